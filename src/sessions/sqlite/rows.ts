import * as z from 'zod/mini'
import type { UnfinishedPage, UploadRef } from '../../coordinator/ports.js'
import type { PartRecord } from '../../coordinator/session.js'
import type { SpentUrls } from '../sign-budget.js'
import { decodeDraft, recordSchema, toUpload, type UploadRecord } from '../stored-upload.js'
import type { PartsByIndex } from './changed-parts.js'

const rowSchema = z.extend(recordSchema, { row: z.int(), draft: z.string() })

export type Row = z.infer<typeof rowSchema>

const refSchema = z.object({ owner: z.string(), id: z.string() })
const placedRefSchema = z.extend(refSchema, { row: z.int() })

export function asRow(found: unknown): Row | undefined {
  return found === undefined ? undefined : rowSchema.parse(found)
}

export function asRows(found: readonly unknown[]): readonly Row[] {
  return z.array(rowSchema).parse(found)
}

export function asRefs(found: readonly unknown[]): readonly UploadRef[] {
  return z.array(refSchema).parse(found)
}

export function unfinishedPage(found: readonly unknown[], limit: number): UnfinishedPage {
  const rows = z.array(placedRefSchema).parse(found)
  const refs = rows.map(({ owner, id }) => ({ owner, id }))
  const last = rows.at(-1)
  if (last === undefined || rows.length < limit) return { refs }
  return { refs, nextCursor: String(last.row) }
}

export function urlsOf(spent: SpentUrls | undefined): Partial<UploadRecord> {
  return spent === undefined ? {} : { urls: spent.urls, urlsDay: spent.urlsDay }
}

export function byIndex(parts: readonly PartRecord[]): PartsByIndex {
  return new Map(parts.map((part) => [part.index, part]))
}

export function arrivedIn(parts: readonly PartRecord[]): number {
  return parts.reduce((count, { etag }) => count + (etag === undefined ? 0 : 1), 0)
}

export function listedUpload(row: Row) {
  return { upload: toUpload(decodeDraft(row.draft), row), arrivedCount: row.arrived }
}
