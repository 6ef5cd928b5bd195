import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { webhookEvent } from '../../src/protocol/index.js'
import { DevProcess } from '../helpers/dev-process.js'
import { PartwayProcess } from '../helpers/programs.js'
import { WebhookReceiver } from '../helpers/webhook-receiver.js'

const SECRET = `whsec_${randomBytes(32).toString('base64')}`

/** The programs as they are, with a receiver of their own. */
describe('a server with webhooks', () => {
  let receiver: WebhookReceiver
  let folder: string
  let env: NodeJS.ProcessEnv
  let dev: DevProcess | undefined

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'partway-webhooks-test-'))
    receiver = new WebhookReceiver()
    env = {
      PARTWAY_WEBHOOK_URL: await receiver.start(),
      PARTWAY_WEBHOOK_SECRET: SECRET,
      PARTWAY_OUTBOUND_PRIVATE: '127.0.0.1',
    }
  })
  afterEach(async () => {
    receiver.stop()
    await dev?.kill('SIGKILL')
    dev = undefined
    await rm(folder, { recursive: true })
  })

  async function upload(server: DevProcess, ...flags: string[]): Promise<string> {
    const file = join(folder, 'film.bin')
    await writeFile(file, randomBytes(1_000))
    const program = new PartwayProcess(['upload', '--json', ...flags, '--server', server.url, file])
    expect(await program.ended).toMatchObject({ code: 0 })
    return String(program.events[0]?.upload_id)
  }

  /** What was received, if it is signed as it should be. */
  function heard() {
    return receiver.received.map(({ body, headers }) => {
      return webhookEvent.parse(new Webhook(SECRET).verify(body, headers))
    })
  }
  const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 30_000 })

  it('says what its client was told', async () => {
    dev = await DevProcess.start(join(folder, 'state'), undefined, env)
    const id = await upload(dev, '--verify-hash', 'sha256')
    await eventually(() => expect(heard()).toHaveLength(2))
    const about = { upload_id: id, state: 'completed', filename: 'film.bin', size: 1_000 }
    const types = heard().map(({ type, data }) => {
      expect(data).toMatchObject(about)
      expect(data.object?.sha256).toMatch(/^[0-9a-f]{64}$/)
      return type
    })
    expect(types.sort()).toEqual(['upload.completed', 'upload.verified'])
    const abort = new PartwayProcess(['abort', '--server', dev.url, id])
    expect(await abort.ended).toMatchObject({ code: 3 })
    expect(heard()).toHaveLength(2)
  })

  it('that is killed before it could say so does when it is back', async () => {
    const state = join(folder, 'state')
    const mute = { ...env, PARTWAY_VERIFY_CONCURRENCY: '0' }
    dev = await DevProcess.start(state, undefined, mute)
    const { port, bucketPort } = dev
    const id = await upload(dev)
    await dev.kill('SIGKILL')
    expect(receiver.received).toEqual([])
    dev = await DevProcess.start(state, { port, bucketPort }, env)
    await eventually(() => expect(heard()).toHaveLength(1))
    expect(heard()).toMatchObject([{ type: 'upload.completed', data: { upload_id: id } }])
  })

  it('keeps what nobody took, and sends it again when an operator says so', async () => {
    receiver.answer = () => ({ status: 410 })
    const state = join(folder, 'state')
    dev = await DevProcess.start(state, undefined, env)
    const id = await upload(dev)
    const command = async (...args: string[]) => {
      const program = new PartwayProcess(['webhooks', ...args], {
        PARTWAY_BUCKET: 'uploads',
        PARTWAY_SECRET: randomBytes(32).toString('hex'),
        PARTWAY_STORE: `sqlite:${join(state, 'sessions.db')}`,
      })
      return (await program.ended).stdout
    }
    let dead: { id?: string } = {}
    await eventually(async () => {
      dead = JSON.parse(await command('list', '--json'))
      expect(dead).toMatchObject({ upload_id: id, reason: 'HTTP 410' })
    })
    receiver.answer = () => ({ status: 204 })
    expect(await command('retry', dead.id ?? '')).toBe('1 are tried again.')
    await eventually(() => expect(receiver.ids).toEqual([dead.id, dead.id]))
    expect(await command('list')).toBe('No webhook is dead.')
  })
})
