import type { Cluster, Redis } from 'ioredis'
import { scripts } from './lua.generated.js'

export type ScriptName = keyof typeof scripts
export type ReplyItem = Buffer | number | null | readonly ReplyItem[]
export type Reply = readonly ReplyItem[]

/** Runs a script in one round trip; its `KEYS` come first. */
export type RunScript = (
  name: ScriptName,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
) => Promise<Reply>

/**
 * Part of every command's name. To be raised when the arguments, the replies or the stored form of
 * a script change, so that two releases can share one connection.
 */
const VERSION = 4

/** Teaches the connection our scripts; ioredis sends them by their digest and loads them when missing. */
export function scriptRunner(redis: Redis | Cluster): RunScript {
  for (const [name, definition] of Object.entries(scripts)) {
    redis.defineCommand(commandName(name), definition)
  }
  return async (name, keys, args) => {
    const command: unknown = Reflect.get(redis, `${commandName(name)}Buffer`)
    if (typeof command !== 'function') throw new TypeError(`Redis command ${name} is not defined`)
    const reply: unknown = await command.call(redis, ...keys, ...args)
    if (!Array.isArray(reply)) throw new TypeError(`Redis script ${name} gave no list`)
    return reply
  }
}

function commandName(name: string): string {
  return `partway:${name}:${VERSION}`
}

export function textAt(reply: Reply, position: number): string {
  return bytesAt(reply, position).toString()
}

export function bytesAt(reply: Reply, position: number): Buffer {
  const item = reply[position]
  if (Buffer.isBuffer(item)) return item
  throw new TypeError(`Redis script gave no text at ${position}`)
}

export function numberAt(reply: Reply, position: number): number {
  const item = reply[position]
  if (typeof item === 'number') return item
  throw new TypeError(`Redis script gave no number at ${position}`)
}

/** A hash, which a script gives as field, value, field, value, … */
export function hashAt(reply: Reply, position: number): Map<string, string> {
  const items: unknown = reply[position]
  const hash = new Map<string, string>()
  if (!Array.isArray(items)) throw new TypeError(`Redis script gave no list at ${position}`)
  for (let i = 0; i + 1 < items.length; i += 2) hash.set(textAt(items, i), textAt(items, i + 1))
  return hash
}
