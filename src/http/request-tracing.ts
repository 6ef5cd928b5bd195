import type { Request, Response } from 'express'
import { toUploadError } from './error-handler.js'

/** What is told of a request to those who trace it. */
export interface TracedRequest {
  readonly method: string
  /** The path as the table of routes has it. */
  readonly route: string
  header(name: string): string | undefined
  /** Of the reply, once the work is done. */
  status(): number
}

/** Does the work of a request within a context of its own, such as that of a span. */
export interface RequestTracing {
  request<T>(request: TracedRequest, work: () => Promise<T>): Promise<T>
}

export async function traced(
  tracing: RequestTracing | undefined,
  { route, req, res }: { readonly route: string; readonly req: Request; readonly res: Response },
  work: () => Promise<void>,
): Promise<void> {
  if (tracing === undefined) return work()
  let refused: number | undefined
  const request: TracedRequest = {
    method: req.method,
    route,
    header: (name) => req.get(name),
    status: () => refused ?? res.statusCode,
  }
  return tracing.request(request, () =>
    work().catch((error: unknown) => {
      refused = toUploadError(error).status
      throw error
    }),
  )
}
