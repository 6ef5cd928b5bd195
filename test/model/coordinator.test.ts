import fc from 'fast-check'
import { describe, it } from 'vitest'
import { Director } from './director.js'
import { FILES, RELATED_FILES } from './model-file.js'
import { lossStep, type Step, step } from './steps.js'
import { World } from './world.js'

const RUNS = Number(process.env.PARTWAY_MODEL_RUNS ?? 1_000)
/** A gate must say the same of the same commit; other runs look somewhere else each time. */
const SEED = process.env.PARTWAY_MODEL_SEED ?? (process.env.CI ? '20261122' : undefined)
const TIME_LIMIT_MS = 170_000 * Math.max(1, RUNS / 1_000)
const MAX_STEPS = 30

class TakeStep implements fc.AsyncCommand<World, Director> {
  readonly #step: Step

  constructor(step: Step) {
    this.#step = step
  }

  check(world: Readonly<World>): boolean {
    return this.#step.step !== 'wake' || [...world.performing].some(({ actor }) => actor.isStopped)
  }

  run(_: World, director: Director): Promise<void> {
    return director.take(this.#step)
  }

  toString(): string {
    return JSON.stringify(this.#step)
  }
}

/** A failure prints the seed and the path: give both to `fc.assert` to see the same run again. */
async function holds(steps: fc.Arbitrary<Step>, numRuns: number): Promise<void> {
  const files = fc.oneof(
    fc.shuffledSubarray([...FILES], { minLength: 1, maxLength: 3 }),
    fc.shuffledSubarray([...RELATED_FILES], { minLength: 2, maxLength: 3 }),
  )
  const commands = fc.commands([steps.map((one) => new TakeStep(one))], {
    maxCommands: MAX_STEPS,
    size: 'max',
  })
  await fc.assert(
    fc.asyncProperty(files, commands, async (specs, taken) => {
      const world = new World(specs)
      const director = new Director(world)
      try {
        await fc.asyncModelRun(() => ({ model: world, real: director }), taken)
        await director.finish()
      } finally {
        await world.close()
      }
    }),
    {
      numRuns,
      ...(SEED !== undefined && { seed: Number(SEED) }),
      interruptAfterTimeLimit: TIME_LIMIT_MS,
      markInterruptAsFailure: true,
    },
  )
}

describe('the coordinator against what its clients were told', () => {
  it(
    'holds every promise, whatever crashes, races and fails',
    () => holds(step, Math.ceil(RUNS * 0.7)),
    TIME_LIMIT_MS + 10_000,
  )

  it(
    'holds them when the store is lost as well',
    () => holds(lossStep, Math.ceil(RUNS * 0.3)),
    TIME_LIMIT_MS + 10_000,
  )
})
