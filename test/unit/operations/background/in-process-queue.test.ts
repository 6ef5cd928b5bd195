import { describe } from 'vitest'
import { InProcessQueue } from '../../../../src/operations/index.js'
import { workQueueContract } from '../../../contract/work-queue.contract.js'

describe('the queue within a process', () => {
  workQueueContract(async (events) => new InProcessQueue(events))
})
