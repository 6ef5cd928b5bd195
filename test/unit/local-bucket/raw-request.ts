import { decode, parseQuery } from '../../../src/local-bucket/request.js'
import type { SignedRequest } from '../../../src/local-bucket/sigv4/verify.js'

export interface RawRequest extends SignedRequest {
  readonly body: string
}

/** A request written out as HTTP/1.1, with headers that may be folded over several lines. */
export function parseRaw(text: string): RawRequest {
  const [head = '', body = ''] = text.split('\n\n')
  const [start = '', ...lines] = head.replace(/\n[ \t]+/g, ' ').split('\n')
  const [, method = '', path = '', query = ''] =
    /^(\S+) ([^?]*)(?:\?(.*))? HTTP\/1\.1$/.exec(start) ?? []
  const headers = new Map<string, string[]>()
  for (const line of lines.filter((one) => one !== '')) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase()
    const value = line.slice(line.indexOf(':') + 1)
    headers.set(name, [...(headers.get(name) ?? []), value])
  }
  return {
    method,
    path: decode(path),
    query: parseQuery(query),
    headerNames: [...headers.keys()],
    header: (name) => headers.get(name),
    body,
  }
}
