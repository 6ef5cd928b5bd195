import * as z from 'zod/mini'
import {
  ERROR_STATUS,
  ERROR_TITLE,
  type ErrorCode,
  listedUpload,
  PROBLEM_CONTENT_TYPE,
  partToSign,
  problem,
  ROUTES,
  type RouteName,
  reportedPart,
  signedPart,
  storedObject,
  uploadedPart,
} from '../protocol/index.js'
import { COMMON_ERRORS, OPERATIONS, type Operation } from './operations.js'

type Json = Record<string, unknown>

export interface OpenApiDocument extends Json {
  readonly openapi: string
  readonly paths: Record<string, Record<string, Json>>
  readonly components: { readonly schemas: Record<string, Json> }
}

/** What of the API is there only where it is asked for. */
export interface OptionalRoutes {
  /** Whether parts may be sent through the server. @default false */
  readonly relay?: boolean
}

/** The API as OpenAPI 3.1, made from the schemas that requests are parsed with. */
export function openApiDocument(version: string, options: OptionalRoutes = {}): OpenApiDocument {
  const names = routeNames(options)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Partway',
      version,
      description:
        options.relay === true
          ? 'Resumable uploads straight to an S3 bucket, or through here for clients that cannot reach it.'
          : 'Resumable uploads straight to an S3 bucket. No byte of a file passes through here.',
    },
    // Relative to the address of this document, wherever the router is mounted.
    servers: [{ url: '.' }],
    paths: Object.fromEntries(
      names.map((name) => [
        ROUTES[name].path,
        { [ROUTES[name].method.toLowerCase()]: operationObject(name, names) },
      ]),
    ),
    components: { schemas: componentSchemas(names) },
  }
}

function routeNames({ relay = false }: OptionalRoutes): RouteName[] {
  const names = Object.keys(ROUTES).filter((name): name is RouteName => Object.hasOwn(ROUTES, name))
  return names.filter((name) => name !== 'chunk' || relay)
}

function operationObject(name: RouteName, names: readonly RouteName[]): Json {
  const operation = OPERATIONS[name]
  return {
    operationId: name,
    summary: operation.summary,
    description: operation.description,
    ...(hasQuery(name) && { parameters: parameters(operation) }),
    ...(ROUTES[name].method === 'POST' && {
      requestBody: { required: true, content: bodyContent(operation) },
    }),
    responses: {
      ...successes(operation, name === 'init' ? { links: linksToUpload(names) } : {}),
      ...failures(operation),
    },
  }
}

function hasQuery(name: RouteName): boolean {
  return ROUTES[name].method === 'GET' || OPERATIONS[name].takesFile === true
}

function bodyContent({ takesFile, requestName, example }: Operation): Json {
  return takesFile === true
    ? { 'multipart/form-data': { schema: FORM } }
    : json(requestName, example)
}

const FORM = {
  type: 'object',
  required: ['file'],
  properties: { file: { type: 'string', contentMediaType: 'application/octet-stream' } },
  additionalProperties: false,
}

function parameters({ request, example }: Operation): Json[] {
  const { properties = {}, required = [] } = jsonSchema(request)
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
    ...(example[name] === undefined ? {} : { example: example[name] }),
  }))
}

function successes({ replies, replyName }: Operation, links: Json): Json {
  return Object.fromEntries(
    Object.entries(replies).map(([status, description]) => [
      status,
      { description, content: json(replyName), ...links },
    ]),
  )
}

/** Where the `upload_id` of a reply leads (https://spec.openapis.org/oas/v3.1.0#link-object). */
function linksToUpload(names: readonly RouteName[]): Json {
  const uploadId = '$response.body#/upload_id'
  const next = names.filter((name) => name !== 'init' && name !== 'list')
  return Object.fromEntries(
    next.map((operationId) => [
      operationId,
      hasQuery(operationId)
        ? { operationId, parameters: { upload_id: uploadId } }
        : { operationId, requestBody: { upload_id: uploadId } },
    ]),
  )
}

/** One reply for each status, which names the codes it may carry. */
function failures(operation: Operation): Json {
  const codes = [...COMMON_ERRORS, ...operation.errors]
  const statuses = new Set(codes.map((code) => ERROR_STATUS[code]))
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      {
        description: describe(codes.filter((code) => ERROR_STATUS[code] === status)),
        ...(MAY_BE_TRIED_AGAIN.includes(status) && { headers: RETRY_HEADERS }),
        content: { [PROBLEM_CONTENT_TYPE]: { schema: ref('Problem') } },
      },
    ]),
  )
}

const MAY_BE_TRIED_AGAIN: readonly number[] = [429, 503]

const RETRY_HEADERS = {
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } },
}

function describe(codes: readonly ErrorCode[]): string {
  return codes.map((code) => `\`${code}\`: ${ERROR_TITLE[code]}.`).join(' ')
}

function json(schemaName: string, example?: unknown): Json {
  const value = { schema: ref(schemaName), ...(example === undefined ? {} : { example }) }
  return { 'application/json': value }
}

function ref(schemaName: string): Json {
  return { $ref: schemaUri(schemaName) }
}

function schemaUri(schemaName: string): string {
  return `#/components/schemas/${schemaName}`
}

function componentSchemas(names: readonly RouteName[]): Record<string, Json> {
  const named = new Map<string, z.ZodMiniType>([
    ['ReportedPart', reportedPart],
    ['PartToSign', partToSign],
    ['UploadedPart', uploadedPart],
    ['SignedPart', signedPart],
    ['StoredObject', storedObject],
    ['ListedUpload', listedUpload],
    ['Problem', problem],
  ])
  for (const name of names) {
    const { request, requestName, reply, replyName } = OPERATIONS[name]
    if (!hasQuery(name)) named.set(requestName, request)
    named.set(replyName, reply)
  }
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of named) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, { ...SCHEMA_OPTIONS, uri: schemaUri })
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, embedded(schema)]))
}

// `input` for replies too: as `output` they would forbid unknown fields, but an old client has to
// survive a newer server. No schema transforms, so there is no other difference.
const SCHEMA_OPTIONS = {
  target: 'draft-2020-12',
  io: 'input',
  override: ({ jsonSchema }) => {
    // Every number of this API is whole, but not every schema says it in a way that is understood here.
    if (jsonSchema.type === 'number') jsonSchema.type = 'integer'
    // The bounds of a safe integer say nothing to a reader.
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  },
} as const satisfies Parameters<typeof z.toJSONSchema>[1]

function jsonSchema(schema: z.ZodMiniType): z.core.JSONSchema.JSONSchema {
  return embedded(z.toJSONSchema(schema, SCHEMA_OPTIONS))
}

/** Without what belongs to a schema that stands alone. */
function embedded(schema: z.core.JSONSchema.JSONSchema): z.core.JSONSchema.JSONSchema {
  const { $schema, $id, ...rest } = schema
  return rest
}
