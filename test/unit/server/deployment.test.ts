import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { readConfig } from '../../../src/server/config.js'
import { VARIABLES } from '../../../src/server/variables.js'
import { serveApp } from '../../http/http-app.js'
import { serverApp } from '../../http/server-app.js'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

const dockerfile = read('infra/docker/Dockerfile')
const imageEnvironment = pairs(dockerfile, /(PARTWAY_\w+)=(\S+)/g)
const known = new Set<string>(VARIABLES.map(({ name }) => name))

function pairs(text: string, pattern: RegExp): Record<string, string> {
  return Object.fromEntries([...text.matchAll(pattern)].map(([, name, value]) => [name, value]))
}

describe('infra/kubernetes/partway.yaml', () => {
  const text = read('infra/kubernetes/partway.yaml')
  const objects = parseAllDocuments(text).map((document) => document.toJS())
  const of = (kind: string) => objects.find((object) => object.kind === kind)
  const pod = of('Deployment').spec.template.spec
  const [container] = pod.containers
  const ports = Object.fromEntries(
    container.ports.map((port: { name: string; containerPort: number }) => [
      port.name,
      port.containerPort,
    ]),
  )

  it('sets what the server understands, and enough of it to start', () => {
    // The secret is made by the command in the file itself.
    const secret = pairs(text, /--from-literal=(PARTWAY_\w+)="?(\$\(.*?\)|\S+?)"?(?= |\n)/g)
    expect(Object.keys(secret).sort()).toEqual(['PARTWAY_SECRET', 'PARTWAY_STORE'])
    const settings = { ...imageEnvironment, ...of('ConfigMap').data, ...secret }
    const outcome = readConfig({ ...settings, PARTWAY_SECRET: 's'.repeat(64) })
    expect(outcome).toMatchObject({ kind: 'ok', config: { store: { kind: 'redis' } } })
    const warnings = outcome.kind === 'ok' ? outcome.warnings : []
    expect(warnings).toEqual([expect.stringContaining('PARTWAY_METRICS is on 0.0.0.0')])
  })

  it('mounts the file of tokens where the server looks for it', () => {
    const [mount] = container.volumeMounts
    const [volume] = pod.volumes
    expect(of('ConfigMap').data.PARTWAY_TOKENS_FILE).toBe(`${mount.mountPath}/tokens`)
    expect(volume.name).toBe(mount.name)
    expect(text).toContain(
      `kubectl create secret generic ${volume.secret.secretName} --from-file=tokens`,
    )
  })

  it('refers to objects that are there, and to the secret that its command makes', () => {
    const [{ configMapRef }, { secretRef }] = container.envFrom
    expect(configMapRef.name).toBe(of('ConfigMap').metadata.name)
    expect(text).toContain(`kubectl create secret generic ${secretRef.name} `)
    expect(pod.serviceAccountName).toBe(of('ServiceAccount').metadata.name)
    expect(of('HorizontalPodAutoscaler').spec.scaleTargetRef).toMatchObject({
      kind: 'Deployment',
      name: of('Deployment').metadata.name,
    })
    const labels = of('Deployment').spec.template.metadata.labels
    for (const selector of [
      of('Deployment').spec.selector.matchLabels,
      of('Service').spec.selector,
      of('PodDisruptionBudget').spec.selector.matchLabels,
      of('NetworkPolicy').spec.podSelector.matchLabels,
    ]) {
      expect(labels).toMatchObject(selector)
    }
  })

  it('names the ports that the server listens on', () => {
    expect(String(ports.http)).toBe(imageEnvironment.PARTWAY_PORT)
    expect(of('ConfigMap').data.PARTWAY_METRICS).toMatch(new RegExp(`:${ports.metrics}$`))
    const annotations = of('Deployment').spec.template.metadata.annotations
    expect(annotations['prometheus.io/port']).toBe(String(ports.metrics))
    const [service] = of('Service').spec.ports
    const policies = of('NetworkPolicy').spec.ingress.flatMap(
      (rule: { ports: { port: string }[] }) => rule.ports.map(({ port }) => port),
    )
    expect(service.targetPort).toBe('http')
    expect(policies).toEqual(Object.keys(ports))
  })

  it('restarts a server only when it does not answer, and sends it requests only when it is ready', async () => {
    const failing = async () => {
      throw new Error('away')
    }
    const away = await serveApp(serverApp({ checks: { store: failing, bucket: failing } }).app)
    const there = await serveApp(serverApp().app)
    const status = async (url: string, probe: { httpGet: { path: string; port: string } }) => {
      expect(probe.httpGet.port).toBe('http')
      return (await fetch(`${url}${probe.httpGet.path}`)).status
    }
    try {
      const { startupProbe, livenessProbe, readinessProbe } = container
      expect(await status(away.url, startupProbe)).toBe(200)
      expect(await status(away.url, livenessProbe)).toBe(200)
      expect(await status(away.url, readinessProbe)).toBe(503)
      expect(await status(there.url, readinessProbe)).toBe(200)
    } finally {
      await Promise.all([away.close(), there.close()])
    }
  })

  it('leaves the server the 10 s in which it answers what is in flight', () => {
    const [, seconds] = container.lifecycle.preStop.exec.command
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Number(seconds) + 10 + 5)
  })

  it('fits the restricted pod security standard, on a read-only file system', () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    const { runAsUser, runAsGroup } = pod.securityContext
    expect(dockerfile).toContain(`USER ${runAsUser}:${runAsGroup}\n`)
  })
})

describe('docker-compose.yml', () => {
  const { services } = parse(read('docker-compose.yml'), { merge: true })

  it('sets what the server understands, and enough of it to start', () => {
    const given: Record<string, string> = services.server.environment
    const settings = { ...imageEnvironment, ...given, PARTWAY_SECRET: 's'.repeat(64) }
    const endpoint = given.PARTWAY_S3_PUBLIC_ENDPOINT?.replace(/\$\{\w+:-(\d+)\}/, '$1')
    expect(readConfig({ ...settings, PARTWAY_S3_PUBLIC_ENDPOINT: endpoint })).toMatchObject({
      kind: 'ok',
      warnings: [],
    })
  })

  it('gives clients the address at which MinIO is published', () => {
    const address = services.server.environment.PARTWAY_S3_PUBLIC_ENDPOINT
    expect(services.minio.ports).toContain(`${address.replace('http://', '')}:9000`)
  })

  it('publishes the port that the server listens on', () => {
    const [port] = services.server.ports
    expect(port).toMatch(new RegExp(`:${imageEnvironment.PARTWAY_PORT}$`))
  })
})

it.each(['main.tf', 'variables.tf', 'outputs.tf'])(
  'infra/terraform/%s names only variables that exist',
  (file) => {
    const named = read(`infra/terraform/${file}`).match(/PARTWAY_\w+/g) ?? []
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((name) => !known.has(name))).toEqual([])
  },
)
