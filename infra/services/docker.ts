import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerRuntimeClient, WaitStrategy } from 'testcontainers'
import { untilAnswers } from './answers.js'
import { OutputRing } from './output-ring.js'
import type { FoundService, Image, Service, Way } from './service.js'
import { newCredentials } from './start.js'

type Testcontainers = typeof import('testcontainers')
type Engine = { readonly library: Testcontainers; readonly client: ContainerRuntimeClient }
type Environment = Readonly<Record<string, string | undefined>>

const PULL_MS = 180_000
const START_MS = 30_000
// Only what a container publishes is reachable, so any second port will do.
const CONSOLE_PORT = 9001

/** A container of a pinned public image, if a Docker engine answers. */
export function dockerWay(env: Environment): Way {
  let engine: Promise<Engine | undefined> | undefined
  return {
    name: 'Docker',
    find: async (service) => {
      engine ??= findEngine()
      const docker = await engine
      if (docker === undefined) return { kind: 'unavailable', reason: 'no Docker engine answers' }
      const image = env[service.image.variable] || service.image.name
      await pull(docker, image)
      return { kind: 'found', ...(await startContainer(service, image, docker.library)) }
    },
  }
}

// The library is large, so it is loaded only when this way is tried.
async function findEngine(): Promise<Engine | undefined> {
  const library = await import('testcontainers')
  try {
    return { library, client: await library.getContainerRuntimeClient() }
  } catch {
    return undefined
  }
}

async function pull({ library, client }: Engine, image: string): Promise<void> {
  const name = library.ImageName.fromString(image)
  const tooLong = async () => {
    await sleep(PULL_MS, undefined, { ref: false })
    throw new Error(`pulling takes longer than ${PULL_MS / 1_000} s`)
  }
  try {
    await Promise.race([client.image.pull(name), tooLong()])
  } catch (cause) {
    throw new Error(`Docker answers, but the image ${image} cannot be had`, { cause })
  }
}

async function startContainer(
  service: Service,
  image: string,
  { GenericContainer, Wait }: Testcontainers,
): Promise<FoundService> {
  const credentials = newCredentials()
  const { port, folder } = service.image
  const place = { host: '0.0.0.0', port, consolePort: CONSOLE_PORT, folder }
  const { args, env } = service.launch(place, credentials)
  const output = new OutputRing()
  try {
    const container = await new GenericContainer(image)
      .withCommand([...args])
      .withEnvironment({ ...env })
      .withExposedPorts(port)
      .withLogConsumer((stream) => output.listenTo(stream))
      .withWaitStrategy(waitFor(service.image, Wait))
      .withStartupTimeout(START_MS)
      .start()
    const stop = async () => {
      await container.stop()
    }
    const address = { host: container.getHost(), port: container.getMappedPort(port) }
    const url = service.url(address, credentials)
    await answersOrStop(() => service.answers(url), stop)
    return { url, stop }
  } catch (cause) {
    throw new Error(`the container of ${image} does not start\n${output.text}`, { cause })
  }
}

// A check from inside the container would need a shell there, and some images have none.
function waitFor({ ready, port }: Image, wait: Testcontainers['Wait']): WaitStrategy {
  if ('log' in ready) return wait.forLogMessage(ready.log)
  return wait.forHttp(ready.path, port, { abortOnContainerExit: true })
}

async function answersOrStop(probe: () => Promise<void>, stop: () => Promise<void>): Promise<void> {
  try {
    await untilAnswers(probe, { timeoutMs: START_MS, alive: () => true })
  } catch (error) {
    await stop()
    throw error
  }
}
