import type { UploadEvent } from '../../../src/client/events.js'
import { PartwayError } from '../../../src/client/partway-error.js'
import type { ClientPorts } from '../../../src/client/ports.js'
import { uploadFile } from '../../../src/client/upload-file.js'
import type { EngineOptions, UploadResult } from '../../../src/client/upload-options.js'
import type { ChecksumMode } from '../../../src/protocol/index.js'
import { FakeFile } from './fake-file.js'
import { FakeHasher } from './fake-hasher.js'
import { FakeNetwork } from './fake-network.js'
import { FakeService } from './fake-service.js'
import { VirtualClock } from './virtual-clock.js'

export interface FixtureOptions {
  readonly size?: number
  readonly mode?: ChecksumMode
}

/** A file of 95 bytes in ten parts, a service to take it, and a clock that costs no time. */
export class UploadFixture {
  readonly clock = new VirtualClock()
  readonly service: FakeService
  readonly file: FakeFile
  readonly hasher = new FakeHasher()
  readonly network = new FakeNetwork()
  readonly events: UploadEvent[] = []

  constructor({ size = 95, mode = 'sha256' }: FixtureOptions = {}) {
    this.service = new FakeService(this.clock, { mode })
    this.file = new FakeFile(size)
  }

  get ports(): ClientPorts {
    return {
      transport: this.service,
      clock: this.clock,
      hasher: this.hasher,
      online: this.network,
      random: () => 0.5,
      createAbortController: () => new AbortController(),
    }
  }

  part(index: number): Buffer {
    return this.file.bytes.subarray((index - 1) * 10, index * 10)
  }

  upload(options: Partial<EngineOptions> = {}): Promise<UploadResult> {
    const onEvent = (event: UploadEvent) => {
      this.events.push(event)
      options.onEvent?.(event)
    }
    const all = { server: 'https://partway.test', ...options, onEvent }
    return this.clock.during(uploadFile(this.file, this.ports, all))
  }

  /** The error that the upload ends with. */
  async failure(options: Partial<EngineOptions> = {}): Promise<PartwayError> {
    const outcome = await this.upload(options).catch((error: unknown) => error)
    if (outcome instanceof PartwayError) return outcome
    throw new Error('The upload did not fail as it should', { cause: outcome })
  }

  eventsOf<T extends UploadEvent['type']>(type: T): Extract<UploadEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<UploadEvent, { type: T }> => {
      return event.type === type
    })
  }
}
