import { Client, type Outcome } from './client.js'
import { answerOf, rightAnswers, type Standing, standingOf } from './expectation.js'
import type { FileHistory } from './history.js'
import { Actor } from './stage.js'
import type { Call, Cast, Step } from './steps.js'
import type { Performance, World } from './world.js'

const AFTER_LEASES_MS = 61_000
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
        const history = this.#history(step.file)
        history.deleted()
        world.bucket.deleteObject(history.key)
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
    for (const history of this.#world.histories) await this.#finishFile(history)
  }

  async #finishFile(history: FileHistory): Promise<void> {
    const file = this.#world.histories.indexOf(history)
    for (let round = 1; round <= ROUNDS; round++) {
      const { state } = await this.#alone({ do: 'init', file })
      if (state === 'completed') return
      if (state === 'uploading') await this.#sendMissing(history, round > 1)
      if (state === 'aborting') await this.#alone({ do: 'abort', file })
      else await this.#alone({ do: 'complete', file, digest: 'none', isReported: false })
    }
    throw new Error(`${history.file.spec.filename}: its client cannot finish`)
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
      const performance: Performance = { actor, call: toldId(history, call), history }
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
      if (history.deletions === deletions) this.#hear(history, outcome)
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
  #hear(history: FileHistory, outcome: Outcome): void {
    if (outcome.kind !== 'reply' || outcome.reply.state !== 'completed') return
    const { object: told } = outcome.reply
    const object = this.#world.bucket.object(history.key)
    const isRight = told?.key === history.key && told.etag === history.rightEtag
    if (!isRight) {
      this.#problem(history, '"completed" was said of what is not the object of the upload')
      return
    }
    // The stored result outlives an object that is removed behind the coordinator's back.
    if (object?.etag !== told.etag && history.deletions > 0) return
    history.told = told
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
