import { CoordinatorApi, nodePorts } from '../client/node.js'
import { PartwayError } from '../client/partway-error.js'
import { formatBytes, formatSeconds } from '../client/units.js'
import { type ChecksumMode, type StatusReply, toWire } from '../protocol/index.js'
import type { CliIo } from './cli-io.js'
import { type ConnectionFlags, connectionOf } from './connection.js'
import { exitCodeOf, OK } from './exit-codes.js'
import { Interrupts } from './interrupts.js'
import { printable } from './printable.js'
import { errorText } from './reporter.js'

export interface UploadIdFlags extends ConnectionFlags {
  readonly json?: boolean
}

/** `partway status` */
export function statusCommand(uploadId: string, flags: UploadIdFlags, io: CliIo): Promise<number> {
  return asking(flags, io, async (api, signal) => {
    const reply = await api.status({ uploadId, reconcile: false }, { signal })
    return { reply, text: statusText(reply) }
  })
}

/** `partway abort` */
export function abortCommand(uploadId: string, flags: UploadIdFlags, io: CliIo): Promise<number> {
  return asking(flags, io, async (api, signal) => {
    const reply = await api.abort(uploadId, { signal })
    return { reply, text: reply.state }
  })
}

interface Answer {
  readonly reply: object
  readonly text: string
}

async function asking(
  flags: UploadIdFlags,
  io: CliIo,
  ask: (api: CoordinatorApi, signal: AbortSignal) => Promise<Answer>,
): Promise<number> {
  const connection = await connectionOf(flags, io)
  const ports = nodePorts({ concurrency: 1 })
  const interrupts = new Interrupts(io, () => {})
  try {
    const { reply, text } = await ask(
      new CoordinatorApi({ ...connection, ports }),
      interrupts.signal,
    )
    io.stdout.write(flags.json === true ? jsonLine(toWire<object>(reply)) : `${text}\n`)
    return OK
  } catch (error) {
    const exitCode = interrupts.exitCode ?? exitCodeOf(error)
    showError(error, { exitCode, isJson: flags.json === true, io })
    return exitCode
  } finally {
    interrupts.release()
    ports.transport.close()
  }
}

interface ErrorView {
  readonly exitCode: number
  readonly isJson: boolean
  readonly io: CliIo
}

function showError(error: unknown, { exitCode, isJson, io }: ErrorView): void {
  const message = errorText(error)
  if (!isJson) {
    io.stderr.write(`${printable(message)}\n`)
    return
  }
  const code = error instanceof PartwayError ? error.code : 'UNEXPECTED'
  io.stdout.write(jsonLine({ type: 'error', code, message, exit_code: exitCode }))
}

function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`
}

const CRC = 'the bucket compares a CRC of every part and of the whole, against accidents'

/** In plain words, what each mode is worth: some buckets can do less than others. */
const PROVEN_BY: Readonly<Record<ChecksumMode, string>> = {
  sha256: 'the bucket compares every byte, of every part and of the whole',
  crc64nvme: CRC,
  crc32c: CRC,
  crc32: CRC,
  md5: 'the bucket compares the MD5 of every part; of the whole, sizes and ETags are compared',
  none: 'only sizes and ETags are compared; nothing proves the bytes',
}

function statusText(reply: StatusReply): string {
  const { state, filename, size, uploaded, totalChunks, expiresIn, checksum, object } = reply
  const arrived = uploaded.reduce((bytes, part) => bytes + part.size, 0)
  const lines = [
    ['state', state],
    ['file', filename],
    ['size', formatBytes(size)],
    ['arrived', `${uploaded.length} of ${totalChunks} parts, ${formatBytes(arrived)}`],
    ['checksum', `${checksum}: ${PROVEN_BY[checksum]}`],
    ...(object === undefined
      ? [['expires', `in ${formatSeconds(expiresIn)}`]]
      : [['object', `${object.bucket}/${object.key}`]]),
    ...(object?.sha256 === undefined ? [] : [['sha256', object.sha256]]),
    ...(object?.md5 === undefined ? [] : [['md5', object.md5]]),
  ]
  return lines.map(([name = '', value = '']) => `${name.padEnd(10)}${printable(value)}`).join('\n')
}
