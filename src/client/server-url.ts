import { PartwayError } from './partway-error.js'

/** The coordinator's address without a slash at its end. A path in it is kept: it may be mounted below one. */
export function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new PartwayError('INVALID_OPTION', 'The server must be an http:// or https:// address')
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new PartwayError(
      'INVALID_OPTION',
      'The address of the server must have no user, password, query or fragment',
    )
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}
