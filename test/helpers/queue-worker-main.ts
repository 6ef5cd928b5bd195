/**
 * A process that takes jobs of a queue and ends none by itself: to be killed, or asked to end with SIGTERM. Tells of each on stdout, and
 * in the end of what would keep it from ending.
 */
import { setTimeout } from 'node:timers/promises'
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
    run: async ({ id }, signal) => {
      process.stdout.write(`begun ${id}\n`)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      signal.throwIfAborted()
    },
  },
})

const keeping = () => process.getActiveResourcesInfo().filter((one) => /^(TCP|Timeout)/.test(one))

process.once('SIGTERM', async () => {
  await queue.close()
  // Sockets close a moment later.
  for (let turn = 0; turn < 100 && keeping().length > 0; turn++) await setTimeout(20)
  process.stdout.write(`ends ${keeping()}\n`)
})
