/** The routes, in one place for the server, the clients and the OpenAPI document. */
export const ROUTES = {
  init: { method: 'POST', path: '/upload/init' },
  parts: { method: 'POST', path: '/upload/parts' },
  status: { method: 'GET', path: '/upload/status' },
  complete: { method: 'POST', path: '/upload/complete' },
  /** The name that clients of chunked-upload servers already speak; the same as `complete`. */
  merge: { method: 'POST', path: '/upload/merge' },
  abort: { method: 'POST', path: '/upload/abort' },
  list: { method: 'GET', path: '/uploads' },
  /** There only where the server relays parts to the bucket. */
  chunk: { method: 'POST', path: '/upload/chunk' },
} as const satisfies Record<string, { method: 'GET' | 'POST'; path: string }>

export type RouteName = keyof typeof ROUTES
