import type { UploadRef } from '../../coordinator/ports.js'
import type { Upload } from '../../coordinator/session.js'

type Known = Pick<Upload, 'createdAt' | 'standing'>

/** Claims that end in other ways than by their holder stay behind, and go when there are too many. */
const MOST = 10_000

/** What is known of the uploads that this process holds a claim on. */
export class UnderClaim {
  readonly #known = new Map<string, Known>()

  add(upload: UploadRef & Known, fence: number): void {
    const { createdAt, standing } = upload
    this.#known.set(keyOf(upload, fence), { createdAt, ...(standing && { standing }) })
    const [oldest] = this.#known.keys()
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest)
  }

  take(ref: UploadRef, fence: number): Known | undefined {
    const key = keyOf(ref, fence)
    const known = this.#known.get(key)
    this.#known.delete(key)
    return known
  }
}

function keyOf({ owner, id }: UploadRef, fence: number): string {
  return JSON.stringify([owner, id, fence])
}
