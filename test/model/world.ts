import { declaredContent } from '../../src/coordinator/content.js'
import { createPartway } from '../../src/coordinator/create-partway.js'
import type { Partway } from '../../src/coordinator/partway.js'
import type {
  ReadObject,
  ReadObjectOutcome,
  RemoveObject,
  SessionStore,
  UploadRef,
  Usage,
} from '../../src/coordinator/ports.js'
import { type Session, TOKEN_METADATA_KEY } from '../../src/coordinator/session.js'
import { S3_LIMITS } from '../../src/protocol/index.js'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { MemoryBucket } from '../helpers/memory-bucket.js'
import { FileHistory, type MultipartHistory } from './history.js'
import { recordProblem, toldProblem } from './laws.js'
import { CHUNK, type FileSpec, ModelFile } from './model-file.js'
import { note, noteBytes } from './notes.js'
import { removalProblem } from './object-laws.js'
import { type Actor, Stage } from './stage.js'
import type { Call } from './steps.js'
import { usageProblem } from './usage-law.js'

const LEASE_MS = 60_000
const SECRET = 'a secret of thirty-two bytes or more'

/** An actor at work. */
export interface Performance {
  readonly actor: Actor
  readonly call: Call
  readonly history: FileHistory
  /** By the object's name, how many of its bytes the process has read, from the first. */
  readonly bytesRead: Map<string, number>
  /** Aborts when the process ends in good order. */
  readonly ending: AbortController
  /** Whether a connection has broken off while an object was read. */
  wasBroken: boolean
}

/** Bytes of an object that come at once. */
const PIECE = 4

/**
 * The store, the bucket, the files and the processes of one run. Every call to a port passes here: it waits
 * for its turn, may fail, and is written down; after each the laws are checked.
 */
export class World {
  readonly stage = new Stage()
  readonly bucket = new MemoryBucket({
    minPartSize: CHUNK,
    clock: { now: () => this.stage.now },
  })
  readonly histories: readonly FileHistory[]
  /** Those that are not done, stopped ones included. */
  readonly performing = new Set<Performance>()
  readonly problems: string[] = []
  #store: SessionStore = openSqliteSessionStore(':memory:')
  /** By owner and content, whose upload completed with it last. */
  readonly #contents = new Map<string, FileHistory>()

  constructor(files: readonly FileSpec[]) {
    this.histories = files.map((spec) => new FileHistory(new ModelFile(spec)))
  }

  /** The coordinator in the actor's process. */
  partwayOf(performance: Performance): Partway {
    const { actor } = performance
    return createPartway({
      store: this.#tapped(performance, () => this.#store),
      bucket: this.#tapped(performance, () => this.bucket),
      signer: this.bucket,
      secret: SECRET,
      clock: this.stage.clockOf(actor),
      settings: {
        leaseMs: LEASE_MS,
        limits: { ...S3_LIMITS, minPartSize: CHUNK },
      },
      // Of which there is always enough: so that what is taken is looked at in every step.
      limits: { maxOpenUploads: 1_000, maxStoredBytes: 1e9 },
    })
  }

  /** What the store holds of a file, asked behind the coordinator's back. */
  async sessionOf({ id, file }: FileHistory): Promise<Session | undefined> {
    if (id === undefined) return undefined
    return this.#store.find({ owner: file.spec.owner, id }, this.stage.now)
  }

  usageOf({ file }: FileHistory): Promise<Usage> {
    return this.#store.usage(file.spec.owner, this.stage.now)
  }

  /** Of the model's uploads, those that somebody has to go on with. */
  due(): Promise<readonly UploadRef[]> {
    return this.#store.due({ now: this.stage.now, limit: this.histories.length + 1 })
  }

  /** Whose key it is. */
  makerOf(key: string): FileHistory | undefined {
    return this.histories.find((history) => history.key === key)
  }

  /** The upload whose object may be given to this one. */
  async holderOf(history: FileHistory): Promise<FileHistory | undefined> {
    const { spec, layout } = history.file
    const { digest, fileHash } = await history.file.initRequest()
    const content = declaredContent(SECRET, {
      ...layout,
      ...spec,
      id: '',
      key: '',
      createdAt: this.stage.now,
      ...(digest !== undefined && { digest }),
      ...(fileHash !== undefined && { fileHash }),
    })
    const holder = this.#contents.get(`${spec.owner} ${content}`)
    return holder === history ? undefined : holder
  }

  keepContents(history: FileHistory, contents: readonly string[]): void {
    for (const one of contents) this.#contents.set(`${history.file.spec.owner} ${one}`, history)
  }

  forgetContents(history: FileHistory): void {
    for (const [content, holder] of this.#contents) {
      if (holder === history) this.#contents.delete(content)
    }
  }

  isOpen(multipartId: string | undefined): boolean {
    return this.bucket.openUploads().some((open) => open.multipartId === multipartId)
  }

  /** The multipart uploads open under the file's key, newest first. */
  openOf({ key, multiparts }: FileHistory): MultipartHistory[] {
    const open = this.bucket.openUploads().filter((one) => one.key === key)
    return open.flatMap(({ multipartId }) => multiparts.get(multipartId) ?? []).reverse()
  }

  /** Whether nobody but this performance can have a hand in the file. */
  isAlone(performance: Performance): boolean {
    return [...this.performing].every(
      (other) => other === performance || other.history !== performance.history,
    )
  }

  async loseStore(): Promise<void> {
    await this.#store.close()
    this.#store = openSqliteSessionStore(':memory:')
    this.#contents.clear()
    for (const history of this.histories) history.forget()
  }

  /** Behind the coordinator's back. Every upload of the owner may have been given it, or be just given it. */
  deleteObject({ key, file }: FileHistory): void {
    this.bucket.deleteObject(key)
    for (const history of this.histories) {
      if (history.file.spec.owner === file.spec.owner) history.deleted(key)
    }
  }

  /** An object of the right size under the key, which no upload made. */
  async replaceObject(history: FileHistory): Promise<void> {
    const { key } = history
    if (key === '') return
    this.deleteObject(history)
    const { size, checksum } = history.file.spec
    const metadata = { [TOKEN_METADATA_KEY]: 'foreign' }
    const { multipartId } = await this.bucket.createMultipartUpload({ key, checksum, metadata })
    const target = { key, multipartId }
    const part = await this.bucket.putPart({ ...target, index: 1 }, Buffer.alloc(size))
    const parts = [{ index: 1, ...part }]
    await this.bucket.completeMultipartUpload({ ...target, checksum, parts, size })
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #tapped<T extends object>(performance: Performance, port: () => T): T {
    return new Proxy(port(), {
      get: (_, name) => {
        const member: unknown = Reflect.get(port(), name)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) =>
          performance.actor.oneByOne(() =>
            this.#call(performance, String(name), args, () => {
              // The store may have been lost since.
              const target = port()
              return Reflect.apply(Reflect.get(target, name) as typeof member, target, args)
            }),
          )
      },
    })
  }

  async #call(
    performance: Performance,
    name: string,
    args: readonly unknown[],
    run: () => unknown,
  ): Promise<unknown> {
    const { actor } = performance
    // No store can stop a DELETE of one who stands still longer than the lease that it has just renewed.
    const isAtOnce = name === 'removeObject'
    if (!isAtOnce) await this.stage.turn(actor)
    const fault = actor.isDead ? 'crash-before' : actor.nextFault()
    if (fault === 'stop' && !isAtOnce) {
      actor.isStopped = true
      actor.wasStopped = true
      await this.stage.turn(actor)
    }
    if (fault === 'late') this.stage.now += LEASE_MS + 1
    if (fault === 'crash-before' || fault === 'crash-after') actor.isDead = true
    if (fault === 'hollow' && name === 'completeMultipartUpload') return { kind: 'completed' }
    if (fault === 'drop' || fault === 'hollow' || fault === 'crash-before')
      throw new Error(`${name} was not made`)
    if (name === 'removeObject') this.#checkRemoval(performance, args[0] as RemoveObject)
    const result = await run()
    // No two calls are at the same time: a lost store's fences must not come again.
    this.stage.now += 1
    note(this, performance, { name, args, result })
    await this.checkRecord(performance)
    if (fault === 'lose-reply' || fault === 'crash-after')
      throw new Error(`${name} was not answered`)
    return name === 'readObject'
      ? this.#readable(performance, args[0] as ReadObject, result as ReadObjectOutcome)
      : result
  }

  /** Each piece of the object comes as a call of its own does: it waits for its turn, and may break off. */
  #readable(
    performance: Performance,
    request: ReadObject,
    outcome: ReadObjectOutcome,
  ): ReadObjectOutcome {
    if (outcome.kind !== 'found') return outcome
    return { kind: 'found', bytes: this.#pieces(performance, request, outcome.bytes) }
  }

  async *#pieces(
    performance: Performance,
    request: ReadObject,
    chunks: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    let start = request.start
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += PIECE) {
        const piece = chunk.subarray(at, at + PIECE)
        const { actor } = performance
        await actor.oneByOne(() => this.#call(performance, 'read', [], () => piece))
        this.#disturb(performance, start > 0)
        request.signal?.throwIfAborted()
        noteBytes(performance, request, { start, length: piece.length })
        yield piece
        start += piece.length
      }
    }
  }

  #disturb(performance: Performance, isBegun: boolean): void {
    const { call, ending } = performance
    if (call.do !== 'work' || call.reading === 'whole') return
    if (call.reading === 'ends') ending.abort()
    const isBroken = call.reading === 'breaks' || (isBegun && !performance.wasBroken)
    if (!isBroken || call.reading === 'ends') return
    performance.wasBroken = true
    throw new Error('the connection broke off')
  }

  #checkRemoval(performance: Performance, object: RemoveObject): void {
    const problem = removalProblem(this, performance, object)
    if (problem !== undefined) this.problems.push(problem)
  }

  async checkRecord(performance: Performance): Promise<void> {
    const { history, call } = performance
    const next = (await this.sessionOf(history))?.upload
    const { record } = history
    const { now } = this.stage
    // A process that stood still writes the lifetime that was right when it stopped.
    const isLate = next === undefined && performance.actor.wasStopped
    if (record !== undefined && (record.keepUntil <= now || isLate)) history.forget()
    const told = this.histories.map((one) => toldProblem(this, one))
    const taken = await usageProblem(this, history)
    for (const problem of [recordProblem(this, { history, next, call }), taken, ...told]) {
      if (problem !== undefined) this.problems.push(problem)
    }
    history.keep(next)
  }
}
