import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDocsRouter, openApiDocument } from '../../src/http/index.js'
import { OPERATIONS } from '../../src/http/operations.js'
import { ERROR_STATUS, parseMessage, ROUTES } from '../../src/protocol/index.js'
import { type HttpApp, serveApp } from './http-app.js'

const document = openApiDocument('1.2.3')
const names = Object.keys(ROUTES) as (keyof typeof ROUTES)[]

/** Every object in the document, wherever it is. */
function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value as Record<string, unknown>
  for (const item of Object.values(value)) yield* objectsIn(item)
}

function resolve(ref: string): unknown {
  const path = ref.replace(/^#\//, '').split('/')
  return path.reduce<unknown>(
    (at, key) => (at as Record<string, unknown> | undefined)?.[key],
    document,
  )
}

describe('the OpenAPI document', () => {
  it('describes every route, and no other', () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.sort()).toEqual(
      Object.values(ROUTES)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    )
  })

  it('has only references that lead somewhere', () => {
    const refs = [...objectsIn(document)].flatMap(({ $ref }) =>
      typeof $ref === 'string' ? [$ref] : [],
    )
    expect(refs.length).toBeGreaterThan(20)
    for (const ref of refs) expect(resolve(ref), ref).toBeTypeOf('object')
  })

  it('leads from a new upload to every route that takes its id', () => {
    const init = document.paths['/upload/init']?.post?.responses as Record<
      string,
      { links: object }
    >
    const links = Object.keys(init[201]?.links ?? {})
    const takesId = names.filter((name) => 'upload_id' in OPERATIONS[name].example)
    expect(links.sort()).toEqual(takesId.sort())
  })

  it.each(names)('gives %s an id, replies with content and a request', (name) => {
    const { method, path } = ROUTES[name]
    const operation = document.paths[path]?.[method.toLowerCase()]
    expect(operation).toMatchObject({ operationId: name, summary: expect.any(String) })
    expect(operation).toHaveProperty(method === 'GET' ? 'parameters' : 'requestBody')
    const responses = Object.entries(operation?.responses as Record<string, { content: object }>)
    expect(responses.length).toBeGreaterThan(3)
    for (const [status, { content }] of responses) {
      const type = Number(status) < 400 ? 'application/json' : 'application/problem+json'
      expect(Object.keys(content)).toEqual([type])
    }
  })

  it.each(names)('names every code of %s under its status', (name) => {
    const { method, path } = ROUTES[name]
    const operation = document.paths[path]?.[method.toLowerCase()]
    const responses = operation?.responses as Record<string, { description: string }>
    for (const code of OPERATIONS[name].errors) {
      expect(responses[ERROR_STATUS[code]]?.description).toContain(`\`${code}\``)
    }
  })

  it.each(names)('has an example for %s that the schema takes', (name) => {
    const { request, example } = OPERATIONS[name]
    expect(parseMessage(request, example)).toMatchObject({ kind: 'ok' })
  })

  it('forbids unknown fields in requests and allows them in replies', () => {
    const { schemas } = document.components
    expect(schemas.InitRequest?.additionalProperties).toBe(false)
    expect(schemas.InitRequest?.required).toEqual(['filename', 'size'])
    expect(schemas.InitReply).not.toHaveProperty('additionalProperties')
    expect(schemas.InitReply?.properties).toHaveProperty('parts.items.$ref')
  })

  it('has schemas whose required properties exist', () => {
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      expect(schema.type, name).toBe('object')
      const properties = Object.keys(schema.properties as object)
      expect(properties).toEqual(expect.arrayContaining((schema.required as string[]) ?? []))
    }
  })
})

describe('the documentation routes', () => {
  let app: HttpApp
  beforeAll(async () => {
    app = await serveApp(express().use('/below', createDocsRouter({ version: '1.2.3' })))
  })
  afterAll(() => app.close())

  it('serve the document as JSON', async () => {
    const response = await fetch(`${app.url}/below/openapi.json`)
    expect(response.headers.get('Content-Type')).toContain('application/json')
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(document)))
  })

  it('serve a page that runs no inline script and asks no other host', async () => {
    const response = await fetch(`${app.url}/below/docs`)
    const html = await response.text()
    expect(response.headers.get('Content-Security-Policy')).toContain("default-src 'none'")
    expect(response.headers.get('Content-Security-Policy')).not.toContain('unsafe')
    expect(html).not.toMatch(/<script>|https?:|\son\w+=/)
  })

  it('serve every file that the page names', async () => {
    const html = await (await fetch(`${app.url}/below/docs`)).text()
    const files = [...html.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)].map((match) => match[1])
    expect(files).toHaveLength(3)
    for (const file of files) {
      const response = await fetch(new URL(file ?? '', `${app.url}/below/docs`))
      expect(response.status, file).toBe(200)
      expect(response.headers.get('Content-Type')).toMatch(/javascript|css/)
      expect(response.headers.get('Cache-Control')).toBe('no-store')
      await response.arrayBuffer()
    }
  })
})
