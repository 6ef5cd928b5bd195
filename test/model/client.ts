import type { PartsOutcome, SignedBatches } from '../../src/coordinator/partway.js'
import { UploadError } from '../../src/coordinator/upload-error.js'
import type { ReportedPart, StatusReply, UploadState } from '../../src/protocol/index.js'
import type { FileHistory } from './history.js'
import { etagOf } from './laws.js'
import type { Version } from './model-file.js'
import type { Call, PutBytes } from './steps.js'
import type { Performance, World } from './world.js'

export interface Reply {
  readonly state?: UploadState
  readonly object?: StatusReply['object']
  readonly uploaded?: StatusReply['uploaded']
  readonly created?: boolean
}

export type Outcome =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'refused'; readonly error: UploadError }
  /** Nobody heard of it. */
  | { readonly kind: 'crashed' }

const LIE = 'f'.repeat(32)
/** More than there are files. */
const DUE = 10

/** The client of one call, against a process of its own. */
export class Client {
  readonly #world: World
  readonly #performance: Performance
  readonly #history: FileHistory

  constructor(world: World, performance: Performance) {
    this.#world = world
    this.#performance = performance
    this.#history = performance.history
  }

  async perform(): Promise<Outcome> {
    const { actor, call } = this.#performance
    try {
      const reply = await this.#ask(call)
      return actor.isDead ? { kind: 'crashed' } : { kind: 'reply', reply }
    } catch (error) {
      if (actor.isDead) return { kind: 'crashed' }
      if (error instanceof UploadError) return { kind: 'refused', error }
      throw error
    }
  }

  async #ask(call: Call): Promise<Reply> {
    const { id } = this.#history
    if (id === undefined || call.do === 'init') return this.#init()
    const partway = this.#partway
    switch (call.do) {
      case 'sign':
        await this.#sign(id, this.#chosen(call.parts), call.version)
        return {}
      case 'put':
        return this.#put(call.url, call.bytes)
      case 'report':
        return this.#report(id, this.#reports(this.#chosen(call.parts), call.isLie))
      case 'send':
        return this.#send(id, call)
      case 'status':
        return partway.status(this.#caller, {
          uploadId: id,
          ...(call.reconcile ? { reconcile: 'true' as const } : {}),
        })
      case 'complete': {
        const digest = await this.#digest(call.digest)
        const expectedHash = expectedHashOf(this.#history, call)
        return partway.complete(this.#caller, {
          uploadId: id,
          ...(digest === undefined ? {} : { digest }),
          ...(expectedHash === undefined ? {} : { expectedHash }),
          ...(call.isReported ? { parts: this.#reports(this.#chosen(7), false) } : {}),
        })
      }
      case 'work':
        return this.#work(id, call)
      case 'abort':
        return partway.abort(this.#caller, { uploadId: id })
      case 'intrude':
        return this.#intrude(id)
    }
  }

  async #init(): Promise<Reply> {
    const { created, reply, parts } = await this.#partway.init(this.#caller, {
      ...(await this.#history.file.initRequest()),
      ...(this.#history.file.spec.checksum === 'none' ? { sign: 'all' as const } : {}),
    })
    if (parts !== undefined) await this.#keepUrls(parts, 'first')
    return { ...reply, created }
  }

  async #sign(uploadId: string, indexes: readonly number[], version: Version): Promise<void> {
    const { file } = this.#history
    const sign = []
    for (const index of indexes) {
      const checksum = await file.checksum(index, version)
      sign.push(checksum === undefined ? { index } : { index, checksum })
    }
    const outcome: PartsOutcome = await this.#partway.parts(this.#caller, { uploadId, sign })
    await this.#keepUrls(outcome.parts, version)
  }

  async #keepUrls(batches: SignedBatches, version: Version): Promise<void> {
    for await (const batch of batches) {
      for (const { index, url } of batch) {
        const multipartId = new URL(url).searchParams.get('uploadId') ?? ''
        this.#history.urls.push({ multipartId, index, version })
      }
    }
  }

  async #send(
    id: string,
    { parts, version, bytes, isReported }: Extract<Call, { do: 'send' }>,
  ): Promise<Reply> {
    const indexes = this.#chosen(parts)
    await this.#sign(id, indexes, version)
    for (let back = indexes.length - 1; back >= 0; back--) {
      await this.#put(back, back === 0 ? bytes : 'signed')
    }
    return isReported ? this.#report(id, this.#reports(indexes, false)) : {}
  }

  /** By the `back`-th newest URL; those of earlier epochs and contents are used as well. */
  async #put(back: number, body: PutBytes): Promise<Reply> {
    const { urls, file, multiparts, key, etags } = this.#history
    const url = urls.at(-1 - (back % Math.max(1, urls.length)))
    const { actor } = this.#performance
    await this.#world.stage.turn(actor)
    if (url === undefined || !this.#world.isOpen(url.multipartId)) return {}
    const bytes = altered(file.part(url.index, url.version), body)
    const put = { key, multipartId: url.multipartId, index: url.index }
    const { checksum } = await this.#world.bucket.putPart(put, bytes)
    const etag = etagOf(bytes)
    etags.set(url.index, etag)
    const part = { bytes, etag, ...(checksum === undefined ? {} : { checksum }) }
    multiparts.get(url.multipartId)?.put(url.index, part)
    return {}
  }

  async #report(uploadId: string, uploaded: ReportedPart[]): Promise<Reply> {
    await this.#partway.parts(this.#caller, { uploadId, uploaded })
    return {}
  }

  #reports(indexes: readonly number[], isLie: boolean): ReportedPart[] {
    return indexes.flatMap((index) => {
      const etag = isLie ? LIE : this.#history.etags.get(index)
      return etag === undefined ? [] : [{ index, etag: `"${etag}"` }]
    })
  }

  /** What is due for other files as well is left to other workers. */
  async #work(uploadId: string, { isTold }: Extract<Call, { do: 'work' }>): Promise<Reply> {
    const partway = this.#partway
    const isDue = isTold || (await partway.due(DUE)).some(({ id }) => id === uploadId)
    const ref = { ...this.#caller, id: uploadId }
    if (isDue) await partway.resume(ref, this.#performance.ending.signal)
    return {}
  }

  /** Somebody else, who has got hold of the id. */
  async #intrude(uploadId: string): Promise<Reply> {
    const other = { owner: 'mallory' }
    const partway = this.#partway
    const tries = [
      () => partway.status(other, { uploadId, reconcile: 'true' }),
      () => partway.parts(other, { uploadId, sign: [{ index: 1 }] }),
      () => partway.complete(other, { uploadId }),
      () => partway.abort(other, { uploadId }),
    ]
    for (const attempt of tries) {
      const code = await attempt().then(
        () => 'no refusal',
        (error: unknown) => (error instanceof UploadError ? error.code : String(error)),
      )
      const isFault = code === 'STORE_UNAVAILABLE'
      if (code !== 'UPLOAD_NOT_FOUND' && !isFault) {
        this.#world.problems.push(`another owner was answered ${code}`)
      }
    }
    return {}
  }

  async #digest(wanted: 'none' | 'right' | 'wrong'): Promise<string | undefined> {
    const right = wanted === 'none' ? undefined : await this.#history.file.digest()
    if (right === undefined || wanted === 'right') return right
    return right.startsWith('A') ? `B${right.slice(1)}` : `A${right.slice(1)}`
  }

  #chosen(bits: number): number[] {
    return this.#history.file.indexes.filter((index) => (bits & (1 << (index - 1))) !== 0)
  }

  get #caller() {
    return { owner: this.#history.file.spec.owner }
  }

  get #partway() {
    return this.#world.partwayOf(this.#performance)
  }
}

/** The hash that comes with a completion. */
export function expectedHashOf({ file }: FileHistory, call: Call): string | undefined {
  return call.do === 'complete' && call.hash !== 'none' ? file.hash(call.hash) : undefined
}

function altered(bytes: Buffer, how: PutBytes): Buffer {
  switch (how) {
    case 'signed':
      return bytes
    case 'other':
      return Buffer.from(bytes.map((byte) => byte ^ 0xff))
    case 'short':
      return bytes.subarray(1)
    case 'long':
      return Buffer.concat([bytes, Buffer.from('x')])
  }
}
