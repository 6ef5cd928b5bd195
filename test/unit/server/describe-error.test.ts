import { expect, it } from 'vitest'
import { describeError } from '../../../src/server/describe-error.js'

it('writes the error, its code and its causes', () => {
  const cause = Object.assign(new TypeError('refused'), { code: 'ECONNREFUSED' })
  expect(describeError(new Error('outer', { cause }))).toMatchObject({
    name: 'Error',
    message: 'outer',
    stack: expect.stringContaining('describe-error.test'),
    cause: { name: 'TypeError', message: 'refused', code: 'ECONNREFUSED' },
  })
})

it('writes none of the other properties of an error, at any depth', () => {
  const sdk = Object.assign(new Error('AccessDenied'), {
    $metadata: { requestId: 'marked' },
    $response: { headers: { authorization: 'marked' } },
    config: { credentials: 'marked' },
  })
  const described = describeError(new AggregateError([sdk], 'all', { cause: sdk }))
  expect(described.errors).toHaveLength(1)
  expect(JSON.stringify(described)).not.toContain('marked')
})

it('takes addresses out of texts, and leaves the places of the code', () => {
  const url = 'https://bucket.example/key?X-Amz-Signature=marked'
  const described = describeError(new Error(`GET ${url} and redis://:marked@host:6379 failed`))
  expect(described.message).toBe('GET https://… and redis://… failed')
  expect(described.stack).not.toContain('marked')
  expect(described.stack).toContain('describe-error.test')
})

it('ends where causes go round in a circle', () => {
  const error = new Error('round')
  error.cause = error
  expect(JSON.stringify(describeError(error)).length).toBeLessThan(50_000)
})

it('writes what is thrown without being an error', () => {
  expect(describeError('text')).toEqual({ name: 'string', message: 'text' })
})
