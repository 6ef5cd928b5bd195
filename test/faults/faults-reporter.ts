import type { Reporter, TestCase, TestModule } from 'vitest/node'

const PROJECT = 'faults'

/** How many cases one test ran, where that is not one. Call it at the end of the test. */
export function countCases(task: { meta: object }, cases: number): void {
  Object.assign(task.meta, { cases })
}

/** The last word of a run of the project `faults`: how many cases there were, and how they ended. */
export class FaultsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const ours = modules.filter(({ project }) => project.name === PROJECT)
    const tests = ours.flatMap((module) => [...module.children.allTests()])
    const ran = tests.filter((test) => test.result().state !== 'skipped')
    if (tests.length === 0) return
    const cases = ran.reduce((sum, test) => sum + casesOf(test), 0)
    const broken = ran.filter((test) => test.result().state !== 'passed').length
    const without = tests.length - ran.length
    const notRun = without === 0 ? '' : `, ${without} tests not run`
    process.stdout.write(`\nfaults: ${cases} cases, ${broken} broke an invariant${notRun}\n`)
  }
}

function casesOf(test: TestCase): number {
  const { cases } = test.meta() as { readonly cases?: unknown }
  return typeof cases === 'number' ? cases : 1
}
