import type { AuditSink, AuditTail } from '../../operations/index.js'

/** What it needs of a stream; `process.stdout` itself fits. */
export interface LineStream {
  write(text: string, done: (fault?: Error | null) => void): unknown
}

/** An audit log among what else goes to a stream. It has no memory, so each start begins a chain of its own. */
export class AuditStream implements AuditSink {
  readonly #stream: LineStream

  constructor(stream: LineStream) {
    this.#stream = stream
  }

  async open(): Promise<AuditTail> {
    return {}
  }

  append(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(text, (fault) => (fault ? reject(fault) : resolve()))
    })
  }

  async close(): Promise<void> {}
}
