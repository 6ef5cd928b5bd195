import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BucketCapabilities } from '../../../src/coordinator/capabilities.js'
import { createPartway } from '../../../src/coordinator/create-partway.js'
import type { SessionStore } from '../../../src/coordinator/ports.js'
import type { CoordinatorSettings } from '../../../src/coordinator/settings.js'
import type { ChecksumMode } from '../../../src/protocol/index.js'
import { openSqliteSessionStore } from '../../../src/sessions/sqlite/index.js'
import { MemoryBucket } from '../../helpers/memory-bucket.js'

const OWNER = { owner: 'o' }
const FILE = { filename: 'a.bin', size: 10 }

let store: SessionStore
beforeEach(() => {
  store = openSqliteSessionStore(':memory:')
})
afterEach(() => store.close())

function partwayOn(
  capabilities: (() => BucketCapabilities) | undefined,
  settings: Partial<CoordinatorSettings> = {},
) {
  const bucket = new MemoryBucket()
  const partway = createPartway({
    store,
    bucket,
    signer: bucket,
    secret: 'a secret of thirty-two bytes or more',
    settings,
    ...(capabilities === undefined ? {} : { capabilities }),
  })
  return { bucket, partway }
}

const modes = (...names: ChecksumMode[]) => ({ modes: names })

describe('the checksum of an upload', () => {
  it('is sha256 of a bucket of which nothing is known', async () => {
    const { partway } = partwayOn(undefined)
    expect((await partway.init(OWNER, FILE)).reply.checksum).toBe('sha256')
  })

  it('is by default the strongest that the bucket can do at that moment, and is said', async () => {
    let known = modes('sha256', 'crc64nvme', 'none')
    const { partway } = partwayOn(() => known)
    const before = await partway.init(OWNER, FILE)
    known = modes('crc64nvme', 'none')
    const after = await partway.init(OWNER, FILE)
    expect([before.reply.checksum, after.reply.checksum]).toEqual(['sha256', 'crc64nvme'])
    const { uploadId } = after.reply
    expect(await partway.status(OWNER, { uploadId })).toMatchObject({ checksum: 'crc64nvme' })
  })

  it('is refused, with those that there are, when the bucket cannot do it', async () => {
    const { partway, bucket } = partwayOn(() => modes('crc32c', 'md5', 'none'))
    await expect(partway.init(OWNER, { ...FILE, checksum: 'sha256' })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      status: 400,
      message: 'checksum must be one of crc32c, md5, none: the bucket does not check "sha256"',
      details: { errors: [{ field: 'checksum' }] },
    })
    expect(bucket.calls).toEqual([])
  })

  it('is never a weaker one than the operator has set', async () => {
    const { partway } = partwayOn(() => modes('md5', 'none'), { defaultChecksum: 'sha256' })
    await expect(partway.init(OWNER, FILE)).rejects.toMatchObject({
      details: { errors: [{ field: 'checksum' }] },
    })
    const chosen = await partway.init(OWNER, { ...FILE, checksum: 'md5' })
    expect(chosen.reply.checksum).toBe('md5')
  })
})
