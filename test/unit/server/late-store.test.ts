import { expect, it } from 'vitest'
import type { Outbox, SessionStore } from '../../../src/coordinator/ports.js'
import { LateOutbox } from '../../../src/server/late-outbox.js'
import { LateStore } from '../../../src/server/late-store.js'
import { openSqliteSessionStore } from '../../../src/sessions/sqlite/index.js'

it('rejects while the service is away, and works once it is there', async () => {
  let away = true
  let attempts = 0
  const store = new LateStore(async () => {
    attempts += 1
    if (away) throw new Error('away')
    return openSqliteSessionStore(':memory:')
  })
  await expect(store.check()).rejects.toThrow('away')
  away = false
  await Promise.all([store.check(), store.check()])
  expect(await store.find({ owner: 'o', id: 'i' }, 0)).toBeUndefined()
  expect(attempts).toBe(2)
  await store.close()
})

it('gives every call on to the store', async () => {
  const called: string[] = []
  const inner = new Proxy({} as SessionStore, {
    get: (_target, name) => {
      if (name === 'then') return undefined
      return async () => called.push(String(name))
    },
  })
  const store = new LateStore(async () => inner)
  const methods = Object.getOwnPropertyNames(LateStore.prototype).filter((n) => n !== 'constructor')
  await store.check()
  called.length = 0
  for (const name of methods) await Reflect.apply(Reflect.get(store, name), store, [])
  expect(called).toEqual(methods)
})

it('gives every call on to the outbox of the store', async () => {
  const called: string[] = []
  const inner = new Proxy({} as Outbox, {
    get: (_target, name) => {
      if (name === 'then') return undefined
      return async () => called.push(String(name))
    },
  })
  const outbox = new LateOutbox(async () => inner)
  const methods = ['due', 'claim', 'end', 'dead', 'revive', 'size', 'mend']
  for (const name of methods) await Reflect.apply(Reflect.get(outbox, name), outbox, [])
  expect(called).toEqual(methods)
})

it('closes without having been connected', async () => {
  const store = new LateStore(() => Promise.reject(new Error('away')))
  await expect(store.close()).resolves.toBeUndefined()
})
