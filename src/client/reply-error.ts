import { type IndexRange, type Problem, parseReply, problem } from '../protocol/index.js'
import { PartwayError } from './partway-error.js'
import type { HttpReply } from './ports.js'

/**
 * The error that an answer other than 2xx stands for. What is not a problem of ours keeps its status. `header` is its
 * `Retry-After`, in ms.
 */
export function replyError(
  reply: HttpReply,
  request: string,
  header: number | undefined,
): PartwayError {
  const parsed = parseReply(problem, parseJson(reply.body))
  if (parsed.kind === 'ok') return problemError(parsed.value, { reply, request, header })
  const text = `${request} was answered with HTTP ${reply.status}, and not by a Partway server`
  return new PartwayError('UNEXPECTED_REPLY', text, {
    status: reply.status,
    request,
    ...(header === undefined ? {} : { retryAfterMs: header }),
  })
}

interface Circumstances {
  readonly reply: HttpReply
  readonly request: string
  readonly header: number | undefined
}

function problemError(said: Problem, { reply, request, header }: Circumstances): PartwayError {
  const { code, title, detail, requestId, field, errors, state } = said
  // The header is in whole seconds, the body in ms; the longer of the two is safe.
  const pause = Math.max(said.retryAfterMs ?? 0, header ?? 0)
  return new PartwayError(code, detail ?? title, {
    status: reply.status,
    request,
    ...(requestId === undefined ? {} : { requestId }),
    ...(field === undefined ? {} : { field }),
    ...(errors === undefined ? {} : { errors }),
    ...(state === undefined ? {} : { state }),
    ...(said.missing === undefined ? {} : { missing: said.missing.flatMap(toRange) }),
    ...(pause > 0 ? { retryAfterMs: pause } : {}),
  })
}

function toRange([first, last]: readonly number[]): IndexRange[] {
  return first === undefined || last === undefined ? [] : [[first, last]]
}

/** `undefined` for what is not JSON: no message of ours looks like that. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
