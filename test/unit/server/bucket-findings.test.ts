import { describe, expect, it } from 'vitest'
import type { Answer } from '../../../src/bucket/index.js'
import { UNKNOWN_FLAGS } from '../../../src/bucket/probe-report.js'
import {
  abilityFindings,
  type CleanUpFacts,
  cleanUpFinding,
  rightsFindings,
} from '../../../src/server/bucket-findings.js'

const DAY_MS = 24 * 60 * 60 * 1000
const FACTS: CleanUpFacts = {
  kept: { kind: 'no-rule' },
  listMultipart: 'prefix',
  sessionTtlMs: 7 * DAY_MS,
}

describe('what is said of unfinished uploads', () => {
  it.each<[string, Partial<CleanUpFacts>, string, RegExp]>([
    ['a rule of enough days', { kept: { kind: 'days', days: 7 } }, 'ok', /after 7 days/],
    ['a rule of too few', { kept: { kind: 'days', days: 3 } }, 'less', /3 days.*\(7 d\).*raise/],
    ['no rule', {}, 'less', /No lifecycle rule.*AbortIncompleteMultipartUpload/],
    ['a bucket that does not say', { kept: { kind: 'unknown' } }, 'unknown', /could not be found/],
    ['a bucket like MinIO', { listMultipart: 'exact-key' }, 'less', /24 hours.*STALE_UPLOADS/],
    [
      'a bucket like MinIO, and uploads that end in time',
      { listMultipart: 'exact-key', sessionTtlMs: DAY_MS },
      'ok',
      /24 hours/,
    ],
    [
      'a bucket like MinIO that has a rule all the same',
      { listMultipart: 'exact-key', kept: { kind: 'days', days: 9 } },
      'ok',
      /9 days/,
    ],
    [
      'hours',
      { listMultipart: 'exact-key', sessionTtlMs: 1.5 * DAY_MS },
      'less',
      /PARTWAY_SESSION_TTL \(1\.5 d\)/,
    ],
  ])('%s', (_, facts, level, text) => {
    const finding = cleanUpFinding({ ...FACTS, ...facts })
    expect(finding.level).toBe(level)
    expect(finding.text).toMatch(text)
  })
})

describe('what is said of rights', () => {
  it.each<[Answer, Answer, readonly string[]]>([
    ['yes', 'no', ['ok']],
    ['no', 'no', ['less']],
    ['yes', 'yes', ['less']],
    ['no', 'yes', ['less', 'less']],
    ['unknown', 'unknown', []],
  ])('may delete: %s, may more: %s', async (mayDelete, mayReadPolicy, levels) => {
    const rights = async () => ({ mayDelete, mayReadPolicy })
    const findings = await rightsFindings({ rights }, '')
    expect(findings.map(({ level }) => level)).toEqual(levels)
  })
})

describe('what is said of abilities', () => {
  it('names what a bucket lacks, and says nothing of what is not known', () => {
    expect(abilityFindings(UNKNOWN_FLAGS)).toEqual([])
    const flags = { ...UNKNOWN_FLAGS, listMultipart: 'none', ifNoneMatchOnComplete: 'no' } as const
    expect(abilityFindings(flags)).toEqual([
      { level: 'ok', text: expect.stringContaining('does not know If-None-Match') },
      { level: 'less', text: expect.stringContaining('s3:ListBucketMultipartUploads') },
    ])
  })
})
