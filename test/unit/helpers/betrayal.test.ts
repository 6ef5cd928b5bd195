import { describe, expect, it } from 'vitest'
import { betrayed } from '../../helpers/betrayal.js'
import { NodeProcess } from '../../helpers/programs.js'

const env = { PARTWAY_SECRET: 'the-first-secret,the-former-secret', AWS_SECRET_ACCESS_KEY: 'short' }

describe('the output of a process', () => {
  it.each(['all is well', 'the key is short', '', 'Authorization: Bearer'])(
    'may be %j',
    (output) => {
      expect(betrayed(output, env)).toBeUndefined()
    },
  )

  it.each([
    ['a secret', 'x the-first-secret y', 'PARTWAY_SECRET'],
    ['a former one', '{"secret":"the-former-secret"}', 'PARTWAY_SECRET'],
    ['a signed URL', 'PUT /a?X-Amz-Signature=0123456789abcdef', 'X-Amz-Signature'],
    ['a credential', 'authorization: Bearer abcdefghij', 'Bearer'],
  ])('may not have %s', (_, output, name) => {
    expect(betrayed(output, env)).toContain(name)
  })

  it('is read to its end', async () => {
    const script = 'console.error(process.env.PARTWAY_SECRET)'
    const process = new NodeProcess(['-e', script], { PARTWAY_SECRET: 'a-secret-of-a-test' })
    await expect(process.ended).rejects.toThrow('it has printed a secret: PARTWAY_SECRET')
  })
})
