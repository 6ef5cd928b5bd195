import { ERROR_STATUS, type ErrorCode, ROUTES, type RouteName } from '../../protocol/index.js'

/**
 * What a label may say. Every set is closed, so that no label ever tells an owner, a key or an id, and nobody who calls
 * can make more series: what is in no list is counted as {@link OTHER}. `METHOD` is the name of a method of a port.
 */
export type LabelValues = readonly string[] | typeof METHOD
export const METHOD = 'method'
export const OTHER = 'other'

export interface Series {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels?: Readonly<Record<string, LabelValues>>
  /** Upper ends, for a histogram. */
  readonly buckets?: readonly number[]
}

const STATES = ['creating', 'uploading', 'completing', 'verifying', 'aborting'] as const
export const OUTCOMES = ['completed', 'failed', 'aborted', 'expired'] as const
const CODES = Object.keys(ERROR_STATUS) as ErrorCode[]
const ROUTE_NAMES = Object.keys(ROUTES) as RouteName[]
export const LIMITS = [
  'max_file_size',
  'max_open_uploads',
  'max_reserved_bytes',
  'max_stored_bytes',
  'max_uploads_per_day',
  'sign_budget',
  'calls',
] as const

/** In seconds. */
const CALL = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const UPLOAD = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200, 86_400, 604_800]
const WORK = [0.01, 0.1, 1, 10, 60, 300, 1_800, 7_200]

/** Every series of ours, by its name. `docs/operations.md` says what each is good for. */
export const SERIES = {
  partway_upload_transitions_total: {
    kind: 'counter',
    help: 'Uploads that went from one state to another.',
    labels: { from: STATES, to: [...STATES, ...OUTCOMES] },
  },
  partway_uploads_ended_total: {
    kind: 'counter',
    help: 'Uploads that came to an end.',
    labels: { outcome: OUTCOMES },
  },
  partway_completed_bytes_total: {
    kind: 'counter',
    help: 'Bytes of completed uploads: uploaded, or found in the bucket so that nothing was sent.',
    labels: { by: ['uploaded', 'found'] },
  },
  partway_upload_seconds: {
    kind: 'histogram',
    help: 'From init to completed, of uploads that were sent.',
    buckets: UPLOAD,
  },
  partway_inits_total: {
    kind: 'counter',
    help: 'Inits: of a new upload, of one under way that goes on, or of one that has its object.',
    labels: { result: ['created', 'resumed', 'finished'] },
  },
  partway_parts_signed_total: { kind: 'counter', help: 'URLs of parts that were signed.' },
  partway_parts_reported_total: { kind: 'counter', help: 'Parts that clients said have arrived.' },
  partway_checksum_failures_total: {
    kind: 'counter',
    help: 'What was not as its checksum said: a report, a part, the digest of all parts, the stored object.',
    labels: { what: ['report', 'part', 'digest', 'object'] },
  },
  partway_sign_seconds: { kind: 'histogram', help: 'Signing one batch of URLs.', buckets: CALL },
  partway_bucket_call_seconds: {
    kind: 'histogram',
    help: 'Calls of the bucket, until it answered or failed.',
    labels: { operation: METHOD },
    buckets: CALL,
  },
  partway_bucket_errors_total: {
    kind: 'counter',
    help: 'Calls of the bucket that failed, or got no answer.',
    labels: { operation: METHOD },
  },
  partway_store_call_seconds: {
    kind: 'histogram',
    help: 'Calls of the session store, until it answered or failed.',
    labels: { operation: METHOD },
    buckets: CALL,
  },
  partway_store_errors_total: {
    kind: 'counter',
    help: 'Calls of the session store that failed, or got no answer.',
    labels: { operation: METHOD },
  },
  partway_http_request_seconds: {
    kind: 'histogram',
    help: 'Requests, until their reply was sent or cut off.',
    labels: { route: ROUTE_NAMES, status: ['2xx', '3xx', '4xx', '5xx', 'cut_off'] },
    buckets: CALL,
  },
  partway_refusals_total: {
    kind: 'counter',
    help: 'Requests that were answered with a problem.',
    labels: { code: CODES },
  },
  partway_limit_refusals_total: {
    kind: 'counter',
    help: 'Requests that a limit refused; calls are the rates and the requests of one address.',
    labels: { limit: LIMITS },
  },
  partway_background_seconds: {
    kind: 'histogram',
    help: 'Work on one upload in the background: done, failed (and tried again), or broken off.',
    labels: { result: ['done', 'failed', 'stopped'] },
    buckets: WORK,
  },
  partway_background_poll_errors_total: {
    kind: 'counter',
    help: 'Times that the store could not be asked for work.',
  },
  partway_bucket_clock_offset_seconds: {
    kind: 'gauge',
    help: 'How far the clock of the bucket is ahead of that of the machine, when it was last read.',
  },
} as const satisfies Record<string, Series>

export type SeriesName = keyof typeof SERIES
type SeriesOf<K extends Series['kind']> = {
  [N in SeriesName]: (typeof SERIES)[N]['kind'] extends K ? N : never
}[SeriesName]
export type CounterName = SeriesOf<'counter'>
export type HistogramName = SeriesOf<'histogram'>
export type GaugeName = SeriesOf<'gauge'>

type LabelsGiven<T> = T extends { readonly labels: infer L }
  ? { readonly [K in keyof L]: L[K] extends readonly (infer V)[] ? V | typeof OTHER : string }
  : Readonly<Record<never, never>>
export type LabelsOf<N extends SeriesName> = LabelsGiven<(typeof SERIES)[N]>
