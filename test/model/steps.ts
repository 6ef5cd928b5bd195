import fc from 'fast-check'
import type { SaidHash } from './model-file.js'
import { FAULT_KINDS, type Fault } from './stage.js'

/** What one client asks for, or does at the bucket. */
export type Call = { readonly file: number } & (
  | { readonly do: 'init' }
  | { readonly do: 'sign'; readonly parts: number; readonly version: 'first' | 'changed' }
  | { readonly do: 'put'; readonly url: number; readonly bytes: PutBytes }
  | { readonly do: 'report'; readonly parts: number; readonly isLie: boolean }
  | {
      readonly do: 'send'
      readonly parts: number
      readonly version: 'first' | 'changed'
      /** Of the last part sent. */
      readonly bytes: PutBytes
      readonly isReported: boolean
    }
  | { readonly do: 'status'; readonly reconcile: boolean }
  | {
      readonly do: 'complete'
      readonly digest: 'none' | 'right' | 'wrong'
      readonly hash: 'none' | SaidHash
      readonly isReported: boolean
    }
  /** The background worker of a process, which was told of the upload or asks what is due. */
  | { readonly do: 'work'; readonly isTold: boolean; readonly reading: Reading }
  | { readonly do: 'abort' }
  | { readonly do: 'intrude' }
)

/** Other bytes than were signed for arrive only where the bucket's own check was got round. */
export type PutBytes = 'signed' | 'other' | 'short' | 'long'

/**
 * How the bucket gives the bytes of an object: all of them, all but for one connection that breaks off, or
 * none; or the worker's process ends in good order meanwhile.
 */
export type Reading = 'whole' | 'breaks once' | 'breaks' | 'ends'

export interface Cast {
  readonly call: Call
  readonly faults: readonly Fault[]
}

export type Step =
  /** Calls at the same time, each served by a process of its own. */
  | { readonly step: 'calls'; readonly cast: readonly Cast[]; readonly order: readonly number[] }
  /** A client sends a whole file as it should, which the calls alone seldom come to. */
  | { readonly step: 'deliver'; readonly file: number; readonly hash: 'none' | SaidHash }
  | { readonly step: 'wake'; readonly order: readonly number[] }
  | { readonly step: 'advance'; readonly ms: number }
  | { readonly step: 'lose the store' }
  /** The bucket cleans up. */
  | { readonly step: 'lose the parts'; readonly file: number }
  | { readonly step: 'delete the object'; readonly file: number }
  /** Somebody else writes under the key. */
  | { readonly step: 'replace the object'; readonly file: number }

const SECOND = 1_000
const DAY = 24 * 3_600 * SECOND
/**
 * Within a lease; past that of a creation; past every lease; past every pause of a verification; past the
 * lifetime; past the record's.
 */
const WAITS = [SECOND, 16 * SECOND, 61 * SECOND, 3_601 * SECOND, 8 * DAY, 30 * DAY]

const file = fc.nat(2)
/** A set of parts, as bits; all of them more often than not. */
const parts = fc.oneof({ weight: 3, arbitrary: fc.constant(7) }, fc.integer({ min: 1, max: 7 }))
const version = fc.constantFrom('first' as const, 'first' as const, 'first' as const, 'changed')
const bytes = fc.constantFrom<PutBytes>('signed', 'signed', 'other', 'short', 'long')
const hash = fc.oneof(
  { weight: 3, arbitrary: fc.constant('none' as const) },
  { weight: 2, arbitrary: fc.constantFrom<SaidHash>('sha256', 'md5') },
  { weight: 2, arbitrary: fc.constantFrom<SaidHash>('wrong sha256', 'wrong md5') },
)
const order = fc.array(fc.nat(2), { minLength: 1, maxLength: 24 })

const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('init' as const), file }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sign' as const), file, parts, version }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      file,
      url: fc.nat(8),
      bytes,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('report' as const),
      file,
      parts,
      isLie: fc.oneof(
        { weight: 3, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      file,
      parts,
      version,
      bytes: fc.oneof({ weight: 4, arbitrary: fc.constant('signed' as const) }, bytes),
      isReported: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('status' as const), file, reconcile: fc.boolean() }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constant('complete' as const),
      file,
      digest: fc.constantFrom('none' as const, 'none', 'right', 'wrong'),
      hash,
      isReported: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('work' as const),
      file,
      isTold: fc.boolean(),
      reading: fc.constantFrom<Reading>('whole', 'whole', 'whole', 'breaks once', 'breaks', 'ends'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), file }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('intrude' as const), file }) },
)

const fault = fc.record({
  at: fc.integer({ min: 1, max: 12 }),
  kind: fc.constantFrom(...FAULT_KINDS),
})
const faults = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 2, arbitrary: fc.array(fault, { minLength: 1, maxLength: 2 }) },
)
const cast = fc.record({ call, faults })

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      step: fc.constant('calls' as const),
      cast: fc.tuple(cast),
      order: fc.constant([0]),
    }),
  },
  {
    weight: 5,
    arbitrary: fc
      .record({ cast: fc.array(cast, { minLength: 2, maxLength: 3 }), order })
      // A race is between calls on one upload.
      .map(({ cast: [first, ...others], order: by }) => ({
        step: 'calls' as const,
        cast: first === undefined ? [] : [first, ...others.map((o) => onFile(o, first))],
        order: by,
      })),
  },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('deliver' as const), file, hash }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('wake' as const), order }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant('advance' as const),
      ms: fc.constantFrom(...WAITS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('lose the parts' as const), file }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('delete the object' as const), file }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('replace the object' as const), file }) },
)

export const lossStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: step },
  { weight: 1, arbitrary: fc.constant({ step: 'lose the store' as const }) },
)

function onFile(other: Cast, { call: { file: same } }: Cast): Cast {
  return { ...other, call: { ...other.call, file: same } }
}
