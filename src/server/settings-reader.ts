import { parseByteSize } from '../protocol/index.js'
import { parseDuration } from './units.js'
import { VARIABLES, type VariableName } from './variables.js'

export type Environment = Readonly<Record<string, string | undefined>>

interface Range {
  readonly min: string
  readonly max: string
}

/**
 * Reads variables one by one and collects what is wrong with them, so that all of it can be told at once.
 * After a problem it goes on with a value that fits the type; whoever finds `problems` discards it.
 */
export class SettingsReader {
  readonly problems: string[] = []
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  /** The text of a variable or its default. Empty counts as not set. */
  text(name: VariableName): string {
    const variable = VARIABLES.find((known) => known.name === name)
    return this.#env[name]?.trim() || (variable?.default ?? '')
  }

  optional(name: VariableName): string | undefined {
    return this.text(name) || undefined
  }

  /** The items of a list that is separated by commas. */
  list(name: VariableName): string[] {
    const items = this.text(name).split(',')
    return items.map((item) => item.trim()).filter((item) => item !== '')
  }

  /** The items of a list that is separated by commas or lines. Their texts are for nobody's eyes. */
  secrets(name: VariableName): string[] {
    const items = this.text(name).split(/[,\n]/)
    return items.map((item) => item.trim()).filter((item) => item !== '')
  }

  required(name: VariableName, what: string): string {
    const text = this.text(name)
    if (text === '') this.problem(name, `is required: ${what}`)
    return text
  }

  oneOf<T extends string>(name: VariableName, values: readonly T[]): T | undefined {
    const text = this.text(name)
    const found = values.find((value) => value === text)
    if (found === undefined) this.problem(name, `must be one of ${values.join(', ')}`, text)
    return found
  }

  flag(name: VariableName): boolean | undefined {
    const text = this.text(name).toLowerCase()
    if (text === '') return undefined
    if (text !== 'true' && text !== 'false') this.problem(name, 'must be true or false', text)
    return text === 'true'
  }

  integer(name: VariableName, min: number, max: number): number {
    const text = this.text(name)
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    this.problem(name, `must be a whole number from ${min} to ${max}`, text)
    return min
  }

  /** In milliseconds. */
  durationMs(name: VariableName, range: Range): number {
    return this.#quantity(name, range, {
      parse: parseDuration,
      like: 'a duration such as 15m or 7d',
    })
  }

  /** In bytes. */
  bytes(name: VariableName, range: Range): number {
    return this.#quantity(name, range, {
      parse: parseByteSize,
      like: 'a size such as 10MB or 5TiB',
    })
  }

  /** `shown` is the value as it is, for variables that hold no secret. */
  problem(name: VariableName, message: string, shown?: string): void {
    this.problems.push(
      `${name} ${message}${shown === undefined ? '' : ` (it is ${JSON.stringify(shown)})`}`,
    )
  }

  /** Whether nothing is wrong with these by themselves, so that they can be compared. */
  areFine(...names: VariableName[]): boolean {
    return !names.some((name) => this.problems.some((problem) => problem.startsWith(`${name} `)))
  }

  #quantity(
    name: VariableName,
    { min, max }: Range,
    { parse, like }: { parse: (text: string) => number | undefined; like: string },
  ): number {
    const text = this.text(name)
    const value = parse(text)
    const least = parse(min) ?? 0
    if (value === undefined) this.problem(name, `must be ${like}`, text)
    else if (value < least || value > (parse(max) ?? Number.POSITIVE_INFINITY)) {
      this.problem(name, `must be from ${min} to ${max}`, text)
    }
    return value ?? least
  }
}
