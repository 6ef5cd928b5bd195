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
