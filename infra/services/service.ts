/** The real services that tests and the demo run against. */
export const SERVICE_NAMES = ['redis', 'minio', 'versitygw'] as const

export type ServiceName = (typeof SERVICE_NAMES)[number]

/** Where a service shall listen, and what it may write to. */
export interface Place {
  readonly host: string
  readonly port: number
  /** A second port, for a service with a console. */
  readonly consolePort: number
  readonly folder: string
}

export interface Credentials {
  readonly user: string
  readonly password: string
}

/** How to run a service, without the program's own name. */
export interface Launch {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface Image {
  readonly name: string
  /** The environment variable that names another image. */
  readonly variable: string
  readonly port: number
  /** A folder inside the image that the service may write to. */
  readonly folder: string
  /** How to see from outside that the container is up: a path that answers 200, or a line it logs. */
  readonly ready: { readonly path: string } | { readonly log: RegExp }
}

/** Everything that is special about one service, so that each way of finding one serves all three. */
export interface Service {
  readonly name: ServiceName
  readonly title: string
  /** The environment variable that names a service which runs already. */
  readonly variable: string
  /** The program on PATH. */
  readonly program: string
  readonly image: Image
  launch(place: Place, credentials: Credentials): Launch
  url(address: { host: string; port: number }, credentials: Credentials): string
  /** Rejects unless the service behind `url` answers. */
  answers(url: string): Promise<void>
}

/** A service to test against, and how to be rid of it. */
export interface FoundService {
  readonly url: string
  stop(): Promise<void>
}

export type WayOutcome =
  | ({ readonly kind: 'found' } & FoundService)
  | { readonly kind: 'unavailable'; readonly reason: string }

/** One way of coming by a service. A rejection counts as `unavailable`, but for a wrong setting. */
export interface Way {
  readonly name: string
  find(service: Service): Promise<WayOutcome>
}

/** A setting that names something which is not there: an error, and no reason to look elsewhere. */
export class WrongSettingError extends Error {
  override readonly name = 'WrongSettingError'
}

export type Log = (line: string) => void
