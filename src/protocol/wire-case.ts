/**
 * The one place where names change between the wire (snake_case) and TypeScript (camelCase). Keys that
 * belong to the user, not to us, are left alone: below `metadata` and `headers` nothing is renamed.
 */

type CamelKey<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelKey<Tail>>}`
  : S

/** Absent and `undefined` are one: {@link toCamel} and {@link toWire} leave out what is undefined. */
type Defined<T> = Exclude<T, undefined>

type Opaque = 'metadata' | 'headers'

/** `T` of the wire, with the names that TypeScript uses. */
export type Camel<T> = T extends readonly unknown[]
  ? { [I in keyof T]: Camel<T[I]> }
  : T extends object
    ? {
        [K in keyof T as K extends string ? CamelKey<K> : K]: K extends Opaque
          ? Defined<T[K]>
          : Camel<Defined<T[K]>>
      }
    : T

const OPAQUE = new Set<string>(['metadata', 'headers'] satisfies Opaque[])

export function toCamel<T>(value: T): Camel<T> {
  return rename(value, camelKey) as Camel<T>
}

/** The inverse of {@link toCamel}: `value` must have come from the type `Camel<T>`. */
export function toWire<T>(value: Camel<T>): T {
  return rename(value, snakeKey) as T
}

function rename(value: unknown, key: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => rename(item, key))
  if (value === null || typeof value !== 'object') return value
  const named = value as Readonly<Record<string, unknown>>
  const renamed: Record<string, unknown> = {}
  // Not `Object.entries`: of 10,000 parts, the pairs are most of the garbage.
  for (const name of Object.keys(named)) {
    const item = named[name]
    // To assign to `__proto__` would change what the object is, not add an entry.
    if (item === undefined || name === '__proto__') continue
    renamed[key(name)] = OPAQUE.has(name) ? item : rename(item, key)
  }
  return renamed
}

const camelNames = new Map<string, string>()
const snakeNames = new Map<string, string>()

function camelKey(name: string): string {
  return remembered(camelNames, name, () => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase()))
}

function snakeKey(name: string): string {
  return remembered(snakeNames, name, () => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`))
}

// The names are those of our schemas, so this memory is small; unknown names were refused before.
function remembered(memory: Map<string, string>, name: string, make: () => string): string {
  const known = memory.get(name)
  if (known !== undefined) return known
  const made = make()
  if (memory.size < 256) memory.set(name, made)
  return made
}
