import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import type { Response } from 'express'
import { PROBLEM_CONTENT_TYPE, type Problem, toWire } from '../protocol/index.js'

/** Items of an array that are turned into JSON at once: about 60 kB of signed parts. */
const SLICE = 100

/** How long a client may leave a large reply unread before it is cut off. */
const STALLED_MS = 60_000

/** An array that is made while it is sent. */
export type Batches = AsyncIterable<readonly unknown[]>

/**
 * Sends a message in the spelling of the wire. 10,000 signed parts are some 6 MB of JSON: long arrays
 * are written slice by slice, at the pace of the client, and other requests get their turn in between.
 * `batches` are further members, arrays that are made while they are sent.
 */
export async function sendMessage(
  res: Response,
  status: number,
  message: object,
  batches: Readonly<Record<string, Batches>> = {},
): Promise<void> {
  res.status(status).type('application/json')
  if (Object.keys(batches).length === 0 && !Object.values(message).some(isLong)) {
    res.end(JSON.stringify(toWire<unknown>(message)))
    return
  }
  if (res.destroyed) return
  res.setTimeout(STALLED_MS, () => res.destroy())
  try {
    await pipeline(jsonSlices({ ...message, ...batches }), res)
  } catch (error) {
    if (!isPrematureClose(error)) throw error
  }
}

export function sendProblem(res: Response, problem: Problem): void {
  res.status(problem.status).set('Content-Type', PROBLEM_CONTENT_TYPE)
  res.end(JSON.stringify(toWire<unknown>(problem)))
}

function isLong(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > SLICE
}

function isBatches(value: unknown): value is Batches {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

async function* jsonSlices(message: object): AsyncGenerator<string> {
  let separator = '{'
  for (const [name, value] of Object.entries(message)) {
    if (value === undefined) continue
    if (isBatches(value)) yield* arrayMember(separator, name, value)
    else if (isLong(value)) yield* arrayMember(separator, name, [value])
    else yield separator + inner({ [name]: value })
    separator = ','
  }
  yield '}'
}

async function* arrayMember(
  before: string,
  name: string,
  batches: Batches | Iterable<readonly unknown[]>,
): AsyncGenerator<string> {
  yield `${before}${inner({ [name]: [] }).slice(0, -1)}`
  let separator = ''
  for await (const items of batches) {
    for (let start = 0; start < items.length; start += SLICE) {
      yield separator + inner(items.slice(start, start + SLICE))
      separator = ','
      await setImmediate()
    }
  }
  yield ']'
}

/** The JSON of an object or an array without its outermost brackets. */
function inner(value: object): string {
  return JSON.stringify(toWire<unknown>(value)).slice(1, -1)
}

/** The client went away, which is its right and nobody's fault. */
function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}
