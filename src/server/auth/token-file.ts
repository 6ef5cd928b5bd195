import { timingSafeEqual } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { Log } from '../logging.js'
import { StartProblem } from '../start-problem.js'
import { hashOfToken, parseTokenLines, type TokenLine } from './token-lines.js'

export interface TokenFileOptions {
  readonly path: string
  readonly log: Log
  /** Between two looks at the file. @default 1 s */
  readonly pollMs?: number
}

/**
 * The tokens of a file, read anew when the file has changed. It is looked at by its time and size: other than
 * notices of the file system that works on every mount, and through the symbolic links of Kubernetes.
 */
export class TokenFile {
  readonly #options: TokenFileOptions
  #tokens: ReadonlyMap<string, TokenLine>
  #loaded: string
  #seen: string
  #isAway = false
  #timer: NodeJS.Timeout | undefined

  private constructor(options: TokenFileOptions, read: ReadTokens) {
    this.#options = options
    this.#tokens = read.tokens
    this.#loaded = read.version
    this.#seen = read.version
    this.#plan()
  }

  /** Rejects with a `StartProblem` that names every line that is not valid. */
  static async open(options: TokenFileOptions): Promise<TokenFile> {
    const { path } = options
    const read = await readTokens(path).catch((cause: unknown) => {
      throw new StartProblem(`PARTWAY_TOKENS_FILE: ${path} cannot be read`, { cause })
    })
    if (read.problems.length > 0) {
      throw new StartProblem(`PARTWAY_TOKENS_FILE: ${path}: ${read.problems.join('; ')}`)
    }
    return new TokenFile(options, read)
  }

  /** Whose token it is. It is found by its hash, so the time that takes says nothing of other tokens. */
  ownerOf(token: string): string | undefined {
    const hash = hashOfToken(token)
    const line = this.#tokens.get(hash.toString('hex'))
    return line !== undefined && timingSafeEqual(line.hash, hash) ? line.owner : undefined
  }

  get size(): number {
    return this.#tokens.size
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #plan(): void {
    const look = () => void this.#look().finally(() => this.#timer && this.#plan())
    this.#timer = setTimeout(look, this.#options.pollMs ?? 1_000)
    this.#timer.unref()
  }

  /** A change is read at the second look that sees it: by then whoever writes the file has finished. */
  async #look(): Promise<void> {
    const { path, log } = this.#options
    try {
      const version = await versionOf(path)
      const isSettled = version === this.#seen
      this.#seen = version
      if (isSettled && version !== this.#loaded) this.#take(await readTokens(path))
      if (version === this.#loaded) this.#isAway = false
    } catch (err) {
      // Once for each time that it goes away. What was read last stays good.
      if (!this.#isAway) log.error({ event: 'auth.tokens', problem: `${path} cannot be read`, err })
      this.#isAway = true
    }
  }

  /** The lines that are valid hold even if others are not: a token that was taken out must not live on. */
  #take({ tokens, problems, version }: ReadTokens): void {
    const { log } = this.#options
    this.#loaded = version
    this.#tokens = tokens
    for (const problem of problems) log.error({ event: 'auth.tokens', problem })
    log.info({ event: 'auth.tokens', tokens: tokens.size })
  }
}

interface ReadTokens {
  readonly tokens: ReadonlyMap<string, TokenLine>
  readonly problems: readonly string[]
  readonly version: string
}

async function readTokens(path: string): Promise<ReadTokens> {
  const version = await versionOf(path)
  return { ...parseTokenLines(await readFile(path, 'utf8')), version }
}

async function versionOf(path: string): Promise<string> {
  const { mtimeNs, ctimeNs, size, ino } = await stat(path, { bigint: true })
  return [mtimeNs, ctimeNs, size, ino].join(' ')
}
