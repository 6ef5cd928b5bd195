import { Client, expectedHashOf, type Outcome } from './client.js'
import { answerOf, rightAnswers } from './expectation.js'
import type { FileHistory } from './history.js'
import { hasHash } from './model-file.js'
import { bytesOf, objectProblem } from './object-laws.js'
import { Actor } from './stage.js'
import { type Standing, standingOf } from './standing.js'
import type { Call, Cast, Step } from './steps.js'
import type { Performance, World } from './world.js'

const AFTER_LEASES_MS = 61_000
/** A verification that failed again and again is due by then. */
const AFTER_PAUSES_MS = 3_601_000
/** A completion, then the verification of what it made. */
const WORK_ROUNDS = 2
/** Rounds in which a client must have finished its file once nothing fails any more. */
const ROUNDS = 6

/** Takes the steps of a run, and compares what the clients are told with what they must be told. */
export class Director {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  async take(step: Step): Promise<void> {
    const world = this.#world
    switch (step.step) {
      case 'calls':
        await this.#calls(step.cast, step.order)
        break
      case 'deliver':
        await this.#deliver(step)
        break
      case 'wake':
        await this.#wake(step.order)
        break
      case 'advance':
        world.stage.now += step.ms
        break
      case 'lose the store':
        await world.loseStore()
        break
      case 'lose the parts': {
        const multipartId = (await world.sessionOf(this.#history(step.file)))?.upload.multipartId
        if (multipartId !== undefined) world.bucket.forget(multipartId)
        break
      }
      case 'delete the object': {
        world.deleteObject(this.#history(step.file))
        break
      }
      case 'replace the object':
        await world.replaceObject(this.#history(step.file))
    }
    this.#judge()
  }

  /** Everything that stands still goes on, nothing fails any more: every client gets its file done. */
  async finish(): Promise<void> {
    await this.#wake([0])
    this.#world.stage.now += AFTER_LEASES_MS
    this.#judge()
    await this.#finishWork()
    for (const history of this.#world.histories) await this.#finishFile(history)
  }

  /** What somebody left in the middle comes to its end, without any client. */
  async #finishWork(): Promise<void> {
    const world = this.#world
    world.stage.now += AFTER_PAUSES_MS
    for (let round = 1; round <= WORK_ROUNDS; round++) {
      for (const history of world.histories) {
        const file = world.histories.indexOf(history)
        await this.#alone({ do: 'work', file, isTold: false, reading: 'whole' })
      }
    }
    if ((await world.due()).length > 0) throw new Error('there is work that is never done')
    for (const history of world.histories) {
      const state = (await world.sessionOf(history))?.upload.state ?? 'uploading'
      if (['completing', 'aborting', 'verifying'].includes(state)) {
        throw new Error(`${history.file.spec.filename}: left ${state}`)
      }
    }
  }

  /** A file that is not what its client says of it must never be taken for done, but fail. */
  async #finishFile(history: FileHistory): Promise<void> {
    const file = this.#world.histories.indexOf(history)
    for (let round = 1; round <= ROUNDS; round++) {
      const { state } = await this.#alone({ do: 'init', file })
      if (state === 'completed') return
      if (state === 'uploading') await this.#sendMissing(history, round > 1)
      if (state === 'aborting') await this.#alone({ do: 'abort', file })
      else await this.#completeCalmly(file)
      const { state: end } = await this.#alone({ do: 'status', file, reconcile: false })
      if (end === 'failed' && !history.file.isHonest) return
    }
    throw new Error(`${history.file.spec.filename}: its client cannot finish`)
  }

  async #deliver({ file, hash }: Extract<Step, { step: 'deliver' }>): Promise<void> {
    const { state } = await this.#alone({ do: 'init', file })
    if (state === 'uploading') await this.#sendMissing(this.#history(file), true)
    await this.#alone({ do: 'complete', file, digest: 'none', hash, isReported: false })
  }

  async #completeCalmly(file: number): Promise<void> {
    const by = { digest: 'none', hash: 'none', isReported: false } as const
    await this.#alone({ do: 'complete', file, ...by })
    await this.#alone({ do: 'work', file, isTold: true, reading: 'whole' })
  }

  /** `isAll` where the parts that are there do not fit the file. */
  async #sendMissing(history: FileHistory, isAll: boolean): Promise<void> {
    const file = this.#world.histories.indexOf(history)
    const { uploaded = [] } = await this.#alone({ do: 'status', file, reconcile: true })
    const has = new Set(uploaded.map(({ index }) => index))
    const missing = history.file.indexes.filter((index) => isAll || !has.has(index))
    const parts = missing.reduce((bits, index) => bits | (1 << (index - 1)), 0)
    await this.#alone({
      do: 'send',
      file,
      parts,
      version: 'first',
      bytes: 'signed',
      isReported: true,
    })
  }

  async #alone(call: Call): Promise<{ state?: string; uploaded?: readonly { index: number }[] }> {
    const [outcome] = await this.#calls([{ call, faults: [] }], [0])
    this.#judge()
    if (outcome?.kind === 'reply') return outcome.reply
    return {}
  }

  async #calls(cast: readonly Cast[], order: readonly number[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    for (const [position, { call, faults }] of cast.entries()) {
      const history = this.#history(call.file)
      const actor = new Actor(`${call.do} ${position + 1}`, faults)
      const performance: Performance = {
        actor,
        call: toldId(history, call),
        history,
        bytesRead: new Map(),
        ending: new AbortController(),
        wasBroken: false,
      }
      const isCalm = cast.length === 1 && faults.length === 0
      const standing =
        isCalm && this.#world.isAlone(performance)
          ? await standingOf(this.#world, history)
          : undefined
      this.#world.performing.add(performance)
      this.#world.stage.begin(async () => {
        const outcome = await this.#perform(performance, standing)
        if (outcome !== undefined) outcomes.push(outcome)
      })
    }
    await this.#world.stage.play(order)
    return outcomes
  }

  async #perform(
    performance: Performance,
    standing: Standing | undefined,
  ): Promise<Outcome | undefined> {
    const { history, call } = performance
    const { deletions } = history
    const right = standing && (await rightAnswers(history, call, standing))
    try {
      const outcome = await new Client(this.#world, performance).perform()
      if (history.deletions === deletions) this.#hear(performance, outcome)
      const answer = answerOf(call, outcome)
      if (right !== undefined && !right.includes(answer)) {
        this.#problem(history, `${call.do} was answered ${answer}, not ${right.join(' or ')}`)
      }
      return outcome
    } catch (error) {
      this.#problem(history, `${call.do} failed: ${error}`)
      return undefined
    } finally {
      this.#world.performing.delete(performance)
    }
  }

  /** From here on "completed" must stay true. */
  #hear({ history, call }: Performance, outcome: Outcome): void {
    if (outcome.kind !== 'reply' || outcome.reply.state !== 'completed') return
    const { object } = outcome.reply
    const problem = object && objectProblem(this.#world, history, object)
    if (object === undefined || problem !== undefined) {
      this.#problem(history, `"completed" was said: ${problem ?? 'without an object'}`)
      return
    }
    const asked = call.do === 'init' ? history.file.fileHash : expectedHashOf(history, call)
    const bytes = bytesOf(this.#world, object)
    if (asked !== undefined && bytes !== undefined && !hasHash(bytes, asked)) {
      this.#problem(history, '"completed" was said of an object that has another hash than asked')
    }
    // The stored result outlives an object that is removed behind the coordinator's back.
    const there = this.#world.bucket.object(object.key)
    if (there?.etag !== object.etag && history.deletions > 0) return
    history.told = object
  }

  async #wake(order: readonly number[]): Promise<void> {
    for (const { actor } of this.#world.performing) actor.isStopped = false
    await this.#world.stage.play(order)
  }

  #history(file: number): FileHistory {
    const { histories } = this.#world
    const history = histories[file % histories.length]
    if (history === undefined) throw new RangeError('There is no file')
    return history
  }

  #problem(history: FileHistory, text: string): void {
    this.#world.problems.push(`${history.file.spec.filename}: ${text}`)
  }

  #judge(): void {
    if (this.#world.problems.length > 0) throw new Error(this.#world.problems.join('\n'))
  }
}

/** Whoever has no id yet must ask for one. */
function toldId({ id }: FileHistory, call: Call): Call {
  return id === undefined ? { do: 'init', file: call.file } : call
}
