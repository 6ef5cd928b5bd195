import { createPartway } from '../../src/coordinator/create-partway.js'
import type { Partway } from '../../src/coordinator/partway.js'
import type {
  BeginOutcome,
  BeginStep,
  ClaimOutcome,
  ClaimStep,
  CompleteMultipart,
  CreateMultipart,
  MultipartTarget,
  PartsChange,
  RecordOutcome,
  SessionStore,
} from '../../src/coordinator/ports.js'
import {
  type Session,
  TOKEN_METADATA_KEY,
  type UploadDraft,
} from '../../src/coordinator/session.js'
import { S3_LIMITS } from '../../src/protocol/index.js'
import { openSqliteSessionStore } from '../../src/sessions/sqlite/index.js'
import { MemoryBucket } from '../helpers/memory-bucket.js'
import { FileHistory, MultipartHistory } from './history.js'
import { contentProblem, recordProblem } from './laws.js'
import { CHUNK, type FileSpec, ModelFile } from './model-file.js'
import { type Actor, Stage } from './stage.js'
import type { Call } from './steps.js'

const LEASE_MS = 60_000
const SECRET = 'a secret of thirty-two bytes or more'

/** An actor at work. */
export interface Performance {
  readonly actor: Actor
  readonly call: Call
  readonly history: FileHistory
}

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
    })
  }

  /** What the store holds of a file, asked behind the coordinator's back. */
  async sessionOf({ id, file }: FileHistory): Promise<Session | undefined> {
    if (id === undefined) return undefined
    return this.#store.find({ owner: file.spec.owner, id }, this.stage.now)
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
    for (const history of this.histories) history.forget()
  }

  /** An object of the right size under the key, which no upload made. */
  async replaceObject(history: FileHistory): Promise<void> {
    const { key } = history
    if (key === '') return
    history.deleted()
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
    await this.stage.turn(actor)
    const fault = actor.isDead ? 'crash-before' : actor.nextFault()
    if (fault === 'stop') {
      actor.isStopped = true
      actor.wasStopped = true
      await this.stage.turn(actor)
    }
    if (fault === 'late') this.stage.now += LEASE_MS + 1
    if (fault === 'crash-before' || fault === 'crash-after') actor.isDead = true
    if (fault === 'hollow' && name === 'completeMultipartUpload') return { kind: 'completed' }
    if (fault === 'drop' || fault === 'hollow' || fault === 'crash-before')
      throw new Error(`${name} was not made`)
    const result = await run()
    // No two calls are at the same time: a lost store's fences must not come again.
    this.stage.now += 1
    this.#note(performance, name, args, result)
    await this.checkRecord(performance)
    if (fault === 'lose-reply' || fault === 'crash-after')
      throw new Error(`${name} was not answered`)
    return result
  }

  async checkRecord(performance: Performance): Promise<void> {
    const { history, call } = performance
    const next = (await this.sessionOf(history))?.upload
    const { record } = history
    const { now } = this.stage
    // A process that stood still writes the lifetime that was right when it stopped.
    const isLate = next === undefined && performance.actor.wasStopped
    if (record !== undefined && (record.keepUntil <= now || isLate)) history.forget()
    const problem = recordProblem(this, { history, next, call })
    if (problem !== undefined) this.problems.push(problem)
    history.keep(next)
  }

  /** What the ports were told and answered; by their contract that is what they hold from then on. */
  #note(
    { history, actor, call }: Performance,
    name: string,
    args: readonly unknown[],
    result: unknown,
  ): void {
    switch (name) {
      case 'begin': {
        const { id, key } = args[0] as UploadDraft
        history.id = id
        history.key = key
        if ((result as BeginOutcome).kind === 'created') this.#noteClaim(history, actor, args[1])
        return
      }
      case 'claim':
        if ((result as ClaimOutcome).kind === 'claimed') this.#noteClaim(history, actor, args[1])
        return
      case 'open':
      case 'settle':
        if (result !== true) return
        history.leaseEnd = 0
        if (history.claimant !== actor)
          this.#problem(history, `${name} by one whose claim is not the latest`)
        return
      case 'createMultipartUpload': {
        const { metadata } = args[0] as CreateMultipart
        const { multipartId } = result as { multipartId: string }
        const token = metadata[TOKEN_METADATA_KEY] ?? ''
        const others = [...history.multiparts.values()]
        if (!history.isForgotten && others.some((other) => other.token === token)) {
          this.#problem(history, 'two multipart uploads have one token')
        }
        history.multiparts.set(multipartId, new MultipartHistory(multipartId, token))
        return
      }
      case 'abortMultipartUpload': {
        const { multipartId } = args[0] as MultipartTarget
        if (call.do !== 'abort' && history.record?.multipartId === multipartId) {
          this.#problem(history, `${call.do} threw the parts away`)
        }
        return
      }
      case 'recordParts':
        noteParts(history, args[1] as PartsChange, result as RecordOutcome)
        return
      case 'completeMultipartUpload':
        if ((result as { kind: string }).kind === 'completed') {
          this.#noteObject(history, args[0] as CompleteMultipart)
        }
    }
  }

  #noteClaim(history: FileHistory, actor: Actor, step: unknown): void {
    const isFree = history.claim(actor, step as BeginStep | ClaimStep)
    if (!isFree) this.#problem(history, 'claimed while the claim of another was live')
  }

  #problem({ file }: FileHistory, text: string): void {
    this.problems.push(`${file.spec.filename}: ${text}`)
  }

  #noteObject(history: FileHistory, { multipartId }: CompleteMultipart): void {
    const object = this.bucket.object(history.key)
    const multipart = history.multiparts.get(multipartId)
    if (object === undefined || multipart === undefined) return
    const isRace = [...this.performing].filter((other) => other.history === history).length > 1
    const problem = contentProblem(history, { multipart, bytes: object.bytes, isRace })
    if (problem === undefined) history.rightEtag = object.etag
    else this.problems.push(problem)
  }
}

function noteParts(history: FileHistory, change: PartsChange, outcome: RecordOutcome): void {
  if (outcome.kind !== 'recorded') return
  const multipart = history.multiparts.get(outcome.upload.multipartId ?? '')
  for (const { index, checksum } of change.signed) multipart?.sign(index, checksum)
  for (const { index, etag } of change.arrived) multipart?.report(index, etag)
}
