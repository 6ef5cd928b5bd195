import { freePorts } from '../../infra/services/start.js'
import { type Ended, PartwayProcess, until } from './programs.js'

export interface DevPorts {
  readonly port: number
  readonly bucketPort: number
}

/** `partway dev` as a process of its own. */
export class DevProcess {
  readonly port: number
  readonly bucketPort: number
  readonly #process: PartwayProcess

  private constructor(process: PartwayProcess, { port, bucketPort }: DevPorts) {
    this.#process = process
    this.port = port
    this.bucketPort = bucketPort
  }

  /** Resolves when it has said that it is ready. */
  static async start(
    folder: string,
    ports?: DevPorts,
    env: NodeJS.ProcessEnv = {},
  ): Promise<DevProcess> {
    const [port, bucketPort] = ports ? [ports.port, ports.bucketPort] : await freePorts()
    const args = ['dev', '--dir', folder, '--port', `${port}`, '--bucket-port', `${bucketPort}`]
    const dev = new DevProcess(new PartwayProcess(args, env), { port, bucketPort })
    const hasEnded = () => dev.#process.child.exitCode !== null
    await until(() => hasEnded() || dev.output.includes('Ctrl-C stops it.'), 'partway dev to start')
    if (hasEnded()) throw new Error(`partway dev did not start:\n${dev.output}`)
    return dev
  }

  get url(): string {
    return `http://localhost:${this.port}`
  }

  get output(): string {
    return this.#process.log
  }

  kill(signal: NodeJS.Signals): Promise<Ended> {
    return this.#process.kill(signal)
  }
}
