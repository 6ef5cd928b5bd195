import { expect, it } from 'vitest'
import { LocalLimiter } from '../../../src/http/local-limiter.js'

it('counts further names as one when there are too many, and none that it knows', async () => {
  const limiter = new LocalLimiter({ points: 2, duration: 60, maxNames: 3 })
  const take = async (name: string): Promise<boolean> =>
    await limiter.consume(name).then(
      () => true,
      () => false,
    )
  for (const name of ['a', 'b', 'c']) expect(await take(name), name).toBe(true)
  expect(await take('x')).toBe(true)
  expect(await take('y')).toBe(true)
  expect(await take('z')).toBe(false)
  expect((await limiter.get('another'))?.remainingPoints).toBe(0)
  expect(await take('a')).toBe(true)
  expect(await take('a')).toBe(false)
  expect(await take('b')).toBe(true)
})

it('has room for other names when the window of some has ended', async () => {
  const limiter = new LocalLimiter({ points: 1, duration: 1, maxNames: 1 })
  await limiter.consume('a')
  await limiter.consume('b')
  await expect(limiter.consume('c')).rejects.toMatchObject({ remainingPoints: 0 })
  await expect.poll(() => limiter.consume('d').catch(() => 0), { timeout: 3_000 }).not.toBe(0)
  expect((await limiter.get('d'))?.consumedPoints).toBe(1)
})
