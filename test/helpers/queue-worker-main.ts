/** A process that takes jobs of a queue and never ends one: to be killed. Tells of each on stdout. */
import { systemClock } from '../../src/coordinator/create-partway.js'
import { openBullQueue } from '../../src/operations/index.js'
import { queueConnection } from '../../src/sessions/redis/index.js'

const [url = '', prefix = ''] = process.argv.slice(2)
const queue = await openBullQueue({
  connect: queueConnection(url).connect,
  prefix,
  clock: systemClock,
  lockMs: 1_000,
  onFault: (fault) => process.stdout.write(`fault ${fault.message}\n`),
  onJobFault: (_, fault) => process.stdout.write(`fault ${String(fault)}\n`),
})
queue.run({
  settle: {
    atOnce: 1,
    run: async ({ id }) => {
      process.stdout.write(`begun ${id}\n`)
      await new Promise(() => {})
    },
  },
})
