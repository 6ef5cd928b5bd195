import { describe, expect, it } from 'vitest'
import type { SessionStore } from '../../src/coordinator/ports.js'
import { CHECKSUM_MODES } from '../../src/protocol/index.js'
import {
  change,
  claimed,
  draftOf,
  draftOfParts,
  LIFE,
  NOW,
  opened,
  partsOf,
  sum,
  tag,
} from './session-store.fixtures.js'

export function partsContract(store: () => SessionStore): void {
  describe('recordParts', () => {
    it('records what was signed and what arrived, by ascending index', async () => {
      const draft = await opened(store())
      const outcome = await store().recordParts(
        draft,
        change({
          signed: [10, 2, 1].map((index) => ({ index, checksum: sum(index) })),
          arrived: [{ index: 2, etag: tag(2) }],
        }),
      )
      const session = await store().find(draft, NOW)
      expect(outcome).toEqual({ kind: 'recorded', upload: session?.upload, arrivedCount: 1 })
      expect(session?.parts).toEqual([
        { index: 1, checksum: sum(1) },
        { index: 2, checksum: sum(2), etag: tag(2) },
        { index: 10, checksum: sum(10) },
      ])
    })

    it.each(CHECKSUM_MODES)('keeps ETags and checksums of mode %s as they are', async (mode) => {
      const draft = await opened(store(), { checksum: mode })
      const checksum = (index: number) => (mode === 'none' ? {} : { checksum: sum(index, mode) })
      const parts = [1, 5, 6, 10].map((index) => ({ index, etag: tag(index), ...checksum(index) }))
      const outcome = await store().recordParts(draft, change({ arrived: parts }))
      expect(outcome).toMatchObject({ kind: 'recorded', arrivedCount: 4 })
      expect(await partsOf(store(), draft)).toEqual(parts)
    })

    it('keeps ETags that are not 16 bytes of hexadecimal', async () => {
      const draft = await opened(store(), { checksum: 'none' })
      const odd = [
        tag(1).toUpperCase(),
        `${tag(1)}-3`,
        tag(1).slice(1),
        'x',
        '',
        'e'.repeat(130),
        'é"\0',
      ]
      const arrived = odd.map((etag, position) => ({ index: position + 1, etag }))
      await store().recordParts(draft, change({ arrived }))
      expect(await partsOf(store(), draft)).toEqual(arrived)
    })

    it('lets an ETag change between the usual form and an odd one', async () => {
      const draft = await opened(store(), { checksum: 'none' })
      for (const etag of ['odd', tag(1), 'odd-2', 'odd-3', tag(2)]) {
        const outcome = await store().recordParts(draft, change({ arrived: [{ index: 3, etag }] }))
        expect(outcome).toMatchObject({ arrivedCount: 1 })
        expect(await partsOf(store(), draft)).toEqual([{ index: 3, etag }])
      }
    })

    it('keeps a checksum of zeros apart from none', async () => {
      const draft = await opened(store(), { checksum: 'crc32' })
      const part = { index: 1, etag: '0'.repeat(32), checksum: 'AAAAAA==' }
      await store().recordParts(draft, change({ arrived: [part, { index: 2, etag: tag(2) }] }))
      expect(await partsOf(store(), draft)).toEqual([part, { index: 2, etag: tag(2) }])
    })

    it('applies what is signed before what arrived', async () => {
      const draft = await opened(store())
      const arrived = [{ index: 1, etag: tag(1), checksum: sum('new') }]
      await store().recordParts(draft, change({ signed: [{ index: 1, checksum: sum('old') }] }))
      const signed = [{ index: 1, checksum: sum('new') }]
      expect(await store().recordParts(draft, change({ signed, arrived }))).toMatchObject({
        kind: 'recorded',
        arrivedCount: 1,
      })
      expect(await partsOf(store(), draft)).toEqual(arrived)
    })

    it.each(['odd', tag(1)])(
      'takes the ETag %s away when other bytes are signed for',
      async (etag) => {
        const draft = await opened(store())
        await store().recordParts(
          draft,
          change({ arrived: [{ index: 1, etag, checksum: sum(1) }] }),
        )
        const signed = [{ index: 1, checksum: sum('other') }]
        expect(await store().recordParts(draft, change({ signed }))).toMatchObject({
          arrivedCount: 0,
        })
        expect(await partsOf(store(), draft)).toEqual(signed)
      },
    )

    it('takes the ETag away when a part of unknown bytes is signed for', async () => {
      const draft = await opened(store())
      await store().recordParts(draft, change({ arrived: [{ index: 1, etag: tag(1) }] }))
      const signed = [{ index: 1, checksum: sum(1) }]
      await store().recordParts(draft, change({ signed }))
      expect(await partsOf(store(), draft)).toEqual(signed)
    })

    it('keeps the ETag when the same bytes are signed for again', async () => {
      const draft = await opened(store())
      const part = { index: 1, etag: tag(1), checksum: sum(1) }
      await store().recordParts(draft, change({ arrived: [part] }))
      const signed = [{ index: 1, checksum: sum(1) }]
      expect(await store().recordParts(draft, change({ signed }))).toMatchObject({
        arrivedCount: 1,
      })
      expect(await partsOf(store(), draft)).toEqual([part])
    })

    it('sets, keeps and replaces: checksum when none was signed, checksum when none is given, ETag', async () => {
      const draft = await opened(store())
      await store().recordParts(draft, change({ arrived: [{ index: 4, etag: tag('a') }] }))
      expect(await partsOf(store(), draft)).toEqual([{ index: 4, etag: tag('a') }])
      const arrived = [{ index: 4, etag: tag('b'), checksum: sum(4) }]
      await store().recordParts(draft, change({ arrived }))
      expect(await partsOf(store(), draft)).toEqual(arrived)
      await store().recordParts(draft, change({ arrived: [{ index: 4, etag: tag('c') }] }))
      expect(await partsOf(store(), draft)).toEqual([
        { index: 4, etag: tag('c'), checksum: sum(4) },
      ])
    })

    it('changes nothing when a report is repeated, not even the revision', async () => {
      const draft = await opened(store())
      const report = change({
        signed: [{ index: 1, checksum: sum(1) }],
        arrived: [
          { index: 1, etag: tag(1), checksum: sum(1) },
          { index: 2, etag: 'odd', checksum: sum(2) },
        ],
      })
      const first = await store().recordParts(draft, report)
      const session = await store().find(draft, NOW)
      expect(await store().recordParts(draft, report)).toEqual(first)
      expect(await store().find(draft, NOW)).toEqual(session)
    })

    it('raises the revision with every change of a part', async () => {
      const draft = await opened(store())
      let before = (await store().find(draft, NOW))?.revision ?? 0
      for (const changes of [
        { signed: [{ index: 1, checksum: sum(1) }] },
        { arrived: [{ index: 1, etag: tag(1) }] },
        { arrived: [{ index: 1, etag: 'odd' }] },
        { arrived: [{ index: 1, etag: 'odder' }] },
        { signed: [{ index: 1, checksum: sum(2) }] },
      ]) {
        await store().recordParts(draft, change(changes))
        const after = (await store().find(draft, NOW))?.revision ?? 0
        expect(after).toBeGreaterThan(before)
        before = after
      }
    })

    it.each([0, -1, 11, 1.5, 2 ** 32 + 1, Number.NaN])('refuses index %s', async (index) => {
      const draft = await opened(store())
      const refused = { kind: 'index-out-of-range', index, totalChunks: 10 }
      const signed = [{ index, checksum: sum(1) }]
      expect(await store().recordParts(draft, change({ signed }))).toEqual(refused)
      const arrived = [{ index, etag: tag(1) }]
      expect(await store().recordParts(draft, change({ arrived }))).toEqual(refused)
    })

    it.each(CHECKSUM_MODES)('refuses checksums that are not of mode %s', async (checksum) => {
      const draft = await opened(store(), { checksum })
      const { upload } = (await store().find(draft, NOW)) ?? {}
      const wrong = [
        sum(1, checksum === 'md5' ? 'sha256' : 'md5'),
        '',
        'AA',
        '====',
        'QQ==',
        'x'.repeat(512),
      ]
      for (const given of [...wrong, `${sum(1, checksum)}\n`, sum(1, checksum).replace('=', '')]) {
        if (checksum !== 'none' && given === sum(1, checksum)) continue
        const refused = { kind: 'checksum-malformed', index: 3, upload }
        const signed = [{ index: 3, checksum: given }]
        expect(await store().recordParts(draft, change({ signed }))).toEqual(refused)
        const arrived = [{ index: 3, etag: tag(3), checksum: given }]
        expect(await store().recordParts(draft, change({ arrived }))).toEqual(refused)
      }
    })

    it('refuses base64 that is not in its canonical form', async () => {
      const draft = await opened(store(), { checksum: 'crc32' })
      const signed = [{ index: 1, checksum: 'AAAAAB==' }]
      expect(await store().recordParts(draft, change({ signed }))).toMatchObject({
        kind: 'checksum-malformed',
      })
    })

    it('refuses a part that has not the checksum it was signed for', async () => {
      const draft = await opened(store())
      await store().recordParts(draft, change({ signed: [{ index: 1, checksum: sum(1) }] }))
      const arrived = [{ index: 1, etag: tag(1), checksum: sum('other') }]
      expect(await store().recordParts(draft, change({ arrived }))).toEqual({
        kind: 'checksum-differs',
        index: 1,
      })
    })

    it('records all of a change or none of it', async () => {
      const draft = await opened(store())
      await store().recordParts(draft, change({ signed: [{ index: 5, checksum: sum(5) }] }))
      const before = await store().find(draft, NOW)
      const longer = { expiresAt: LIFE.expiresAt + 9, keepUntil: LIFE.keepUntil + 9 }
      for (const last of [
        { index: 11, etag: tag(1) },
        { index: 2, etag: tag(2), checksum: 'short' },
        { index: 5, etag: tag(5), checksum: sum('other') },
      ]) {
        const signed = [{ index: 5, checksum: sum(5) }]
        const arrived = [{ index: 1, etag: tag(1) }, { index: 3, etag: 'odd' }, last]
        const outcome = await store().recordParts(draft, change({ ...longer, signed, arrived }))
        expect(outcome.kind).not.toBe('recorded')
        expect(await store().find(draft, NOW)).toEqual(before)
      }
    })

    it('lengthens the life, even when no part is named, and never shortens it', async () => {
      const draft = await opened(store())
      const longer = { expiresAt: LIFE.expiresAt + 9, keepUntil: LIFE.keepUntil + 9 }
      const outcome = await store().recordParts(draft, change(longer))
      expect(outcome.kind === 'recorded' && outcome.upload).toMatchObject(longer)
      await store().recordParts(draft, change(LIFE))
      expect((await store().find(draft, NOW))?.upload).toMatchObject(longer)
    })

    it('takes parts until the instant of expiresAt', async () => {
      const draft = await opened(store())
      const arrived = [{ index: 1, etag: tag(1) }]
      const at = (now: number) => store().recordParts(draft, change({ arrived, now }))
      expect(await at(LIFE.expiresAt)).toMatchObject({ kind: 'wrong-state', upload: LIFE })
      expect(await at(LIFE.expiresAt - 1)).toMatchObject({ kind: 'recorded' })
    })

    it('takes no parts while the upload is being completed', async () => {
      const draft = await opened(store())
      await claimed(store(), draft)
      const session = await store().find(draft, NOW)
      const arrived = [{ index: 1, etag: tag(1) }]
      expect(await store().recordParts(draft, change({ arrived }))).toEqual({
        kind: 'wrong-state',
        upload: session?.upload,
      })
      expect(await store().find(draft, NOW)).toEqual(session)
    })

    it('finds no upload where there is none, or none any more', async () => {
      expect(await store().recordParts(draftOf(), change({}))).toEqual({ kind: 'not-found' })
      const draft = await opened(store())
      const late = change({ now: LIFE.keepUntil })
      expect(await store().recordParts(draft, late)).toEqual({ kind: 'not-found' })
    })

    it('loses none of many reports at the same time', async () => {
      const draft = await opened(store(), draftOfParts(50))
      const indexes = Array.from({ length: 50 }, (_, position) => position + 1)
      const outcomes = await Promise.all(
        indexes.map((index) =>
          store().recordParts(draft, change({ arrived: [{ index, etag: tag(index) }] })),
        ),
      )
      const counts = outcomes.map((outcome) => outcome.kind === 'recorded' && outcome.arrivedCount)
      expect(new Set(counts)).toEqual(new Set(indexes))
      expect(await partsOf(store(), draft)).toHaveLength(50)
    })

    it('takes and gives back 10,000 parts in one call', async () => {
      const draft = await opened(store(), draftOfParts(10_000))
      const parts = Array.from({ length: 10_000 }, (_, position) => {
        const index = position + 1
        const etag = index % 3_000 === 0 ? `odd-${index}` : tag(index)
        return { index, etag, checksum: sum(index) }
      })
      const signed = parts.map(({ index, checksum }) => ({ index, checksum }))
      const outcome = await store().recordParts(draft, change({ signed, arrived: parts }))
      expect(outcome).toMatchObject({ kind: 'recorded', arrivedCount: 10_000 })
      expect(await partsOf(store(), draft)).toEqual(parts)
    })
  })

  describe('replaceParts', () => {
    const PARTS = [
      { index: 9, etag: tag(9), checksum: sum(9) },
      { index: 2, etag: 'odd' },
      { index: 4, checksum: sum(4) },
    ]

    it('makes the parts exactly those given', async () => {
      const draft = await opened(store())
      const arrived = [1, 2, 10].map((index) => ({ index, etag: `${index}`, checksum: sum(index) }))
      await store().recordParts(draft, change({ arrived }))
      const { revision = -1 } = (await store().find(draft, NOW)) ?? {}
      expect(await store().replaceParts(draft, { epoch: 1, revision, parts: PARTS })).toBe(true)
      const session = await store().find(draft, NOW)
      expect(session?.parts).toEqual([PARTS[1], PARTS[2], PARTS[0]])
      expect(session?.revision).toBeGreaterThan(revision)
      const outcome = await store().recordParts(draft, change({}))
      expect(outcome).toMatchObject({ kind: 'recorded', arrivedCount: 2 })
    })

    it('can leave no parts', async () => {
      const draft = await opened(store())
      const { revision = -1 } = (await store().find(draft, NOW)) ?? {}
      await store().replaceParts(draft, { epoch: 1, revision, parts: PARTS })
      const next = (await store().find(draft, NOW))?.revision ?? -1
      expect(await store().replaceParts(draft, { epoch: 1, revision: next, parts: [] })).toBe(true)
      expect(await partsOf(store(), draft)).toEqual([])
      expect(await store().recordParts(draft, change({}))).toMatchObject({ arrivedCount: 0 })
    })

    it('works while the upload is being completed', async () => {
      const draft = await opened(store())
      await claimed(store(), draft)
      const { revision = -1 } = (await store().find(draft, NOW)) ?? {}
      expect(await store().replaceParts(draft, { epoch: 1, revision, parts: PARTS })).toBe(true)
    })

    it('changes nothing after the parts changed, in another epoch or in another state', async () => {
      const draft = await opened(store())
      const seen = (await store().find(draft, NOW))?.revision ?? -1
      await store().recordParts(draft, change({ arrived: [{ index: 1, etag: tag(1) }] }))
      const { revision = -1, parts } = (await store().find(draft, NOW)) ?? {}
      const step = { epoch: 1, revision, parts: PARTS }
      expect(await store().replaceParts(draft, { ...step, revision: seen })).toBe(false)
      expect(await store().replaceParts(draft, { ...step, epoch: 2 })).toBe(false)
      await claimed(store(), draft, 'aborting')
      expect(await store().replaceParts(draft, step)).toBe(false)
      expect(await partsOf(store(), draft)).toEqual(parts)
      expect(await store().replaceParts(draftOf(), step)).toBe(false)
    })

    it('rejects, changing nothing, what cannot be parts of the upload', async () => {
      const draft = await opened(store())
      const { revision = -1 } = (await store().find(draft, NOW)) ?? {}
      for (const wrong of [
        { index: 11, etag: tag(1) },
        { index: 1, checksum: 'AAAA' },
      ]) {
        const step = { epoch: 1, revision, parts: [PARTS[1] ?? wrong, wrong] }
        await expect(store().replaceParts(draft, step)).rejects.toThrow(RangeError)
        expect(await partsOf(store(), draft)).toEqual([])
      }
    })
  })
}
