import { expectTypeOf } from 'vitest'
import type {
  Camel,
  ChecksumMode,
  InitRequest,
  PartsReply,
  Problem,
  StatusReply,
} from '../../../src/protocol/index.js'

// Checked by the compiler only; vitest does not run this file.

expectTypeOf<Camel<{ upload_id: string; retry_after_ms?: number }>>().toEqualTypeOf<{
  uploadId: string
  retryAfterMs?: number
}>()
expectTypeOf<Camel<{ part_list: { file_hash: string }[] }>>().toEqualTypeOf<{
  partList: { fileHash: string }[]
}>()
expectTypeOf<Camel<{ headers: { x_y: string }; metadata?: { a_b: 1 } }>>().toEqualTypeOf<{
  headers: { x_y: string }
  metadata?: { a_b: 1 }
}>()
expectTypeOf<Camel<'a_b' | 1 | null>>().toEqualTypeOf<'a_b' | 1 | null>()

expectTypeOf<InitRequest>().toEqualTypeOf<{
  filename: string
  size: number
  chunkSize?: number
  digest?: string
  fileHash?: string
  fingerprint?: string
  contentType?: string
  metadata?: Record<string, string>
  checksum?: ChecksumMode
  sign?: number | 'all'
}>()
expectTypeOf<PartsReply['parts'][number]>().toEqualTypeOf<{
  index: number
  size: number
  url: string
  headers: Record<string, string>
  expiresIn: number
}>()
expectTypeOf<Problem['missing']>().toEqualTypeOf<number[][] | undefined>()
expectTypeOf<NonNullable<StatusReply['object']>['versionId']>().toEqualTypeOf<string | undefined>()
