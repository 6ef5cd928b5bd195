import { once } from 'node:events'
import type { ClientRequest } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export type FormPart = readonly [headers: string, content: string]

/** A file of that field. */
export function filePart(content: string, name = 'file'): FormPart {
  return [`Content-Disposition: form-data; name="${name}"; filename="f"\r\n`, content]
}

export function textPart(name: string): FormPart {
  return [`Content-Disposition: form-data; name="${name}"\r\n`, 'text']
}

/** The body of a form, which need not be a right one. */
export function rawForm(boundary: string, parts: readonly FormPart[]): string {
  const written = parts.map(([headers, content]) => `--${boundary}\r\n${headers}\r\n${content}\r\n`)
  return `${written.join('')}--${boundary}--\r\n`
}

export function formOf(bytes: Uint8Array<ArrayBuffer>, field = 'file'): FormData {
  const form = new FormData()
  form.append(field, new Blob([bytes]), 'blob')
  return form
}

/** Whether the connection takes more within a while. */
export async function drains(request: ClientRequest): Promise<boolean> {
  const drained = once(request, 'drain').then(() => true)
  return Promise.race([drained, delay(300, false)])
}
