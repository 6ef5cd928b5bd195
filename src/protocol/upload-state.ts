import * as z from 'zod/mini'

export const UPLOAD_STATES = [
  'uploading',
  'completing',
  'verifying',
  'completed',
  'failed',
  'aborting',
  'aborted',
  'expired',
] as const

export type UploadState = (typeof UPLOAD_STATES)[number]

export const state = z.enum(UPLOAD_STATES)
