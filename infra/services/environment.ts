import { acceptsConnections } from './answers.js'
import { type Service, type Way, type WayOutcome, WrongSettingError } from './service.js'

type Environment = Readonly<Record<string, string | undefined>>

/** A service that runs already, named by an environment variable. It is not ours to stop. */
export function environmentWay(
  env: Environment,
  reach: (url: string) => Promise<void> = acceptsConnections,
): Way {
  return {
    name: 'environment variable',
    find: (service) => fromEnvironment(service, env[service.variable] ?? '', reach),
  }
}

async function fromEnvironment(
  service: Service,
  url: string,
  reach: (url: string) => Promise<void>,
): Promise<WayOutcome> {
  if (url === '') return { kind: 'unavailable', reason: `${service.variable} is not set` }
  checkForm(service, url)
  try {
    await reach(url)
  } catch (cause) {
    throw new WrongSettingError(`${service.variable} is set, but nothing answers there`, { cause })
  }
  return { kind: 'found', url, stop: async () => {} }
}

// The URL carries a secret, so no message repeats it.
function checkForm(service: Service, url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined) throw new WrongSettingError(`${service.variable} is not a URL`)
  if (service.name !== 'redis' && (parsed.username === '' || parsed.password === '')) {
    throw new WrongSettingError(
      `${service.variable} must be http://<access key>:<secret key>@host:port`,
    )
  }
}
