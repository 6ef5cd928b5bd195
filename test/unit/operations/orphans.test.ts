import { expect, it } from 'vitest'
import { findOrphans } from '../../../src/operations/index.js'

const ID = 'a'.repeat(43)
const KEYS = [
  `up/${ID}/a.bin`,
  `up/acme/2026/${ID}/a.bin`,
  `up/${ID}/more/a.bin`,
  `up/acme/${ID}`,
  `up/notes/a.bin`,
  `other/${ID}/a.bin`,
]

function found(options: { hasFolders?: boolean }) {
  return findOrphans({
    openUploads: async () => KEYS.map((key) => ({ key, multipartId: '1', initiatedAt: 0 })),
    lastPartAt: async () => undefined,
    store: { unfinished: async () => ({ refs: [] }) },
    keyPrefix: 'up/',
    before: 1,
    ...options,
  })
}

it('looks for orphans right below the key prefix, and in folders only where a hook makes them', async () => {
  expect((await found({})).map(({ key }) => key)).toEqual([KEYS[0]])
  const keys = (await found({ hasFolders: true })).map(({ key }) => key)
  expect(keys).toEqual([KEYS[0], KEYS[1]])
})
