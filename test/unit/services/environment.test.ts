import { expect, it } from 'vitest'
import { CATALOGUE } from '../../../infra/services/catalogue.js'
import { environmentWay } from '../../../infra/services/environment.js'

const reachable = async () => {}
const unreachable = async () => Promise.reject(new Error('refused'))

it('takes the URL that the variable names', async () => {
  const env = { PARTWAY_TEST_MINIO_URL: 'http://key:secret@127.0.0.1:9000' }
  expect(await environmentWay(env, reachable).find(CATALOGUE.minio)).toMatchObject({
    kind: 'found',
    url: 'http://key:secret@127.0.0.1:9000',
  })
})

it.each([{}, { PARTWAY_TEST_REDIS_URL: '' }])(
  'has nothing when the variable is unset: %j',
  async (env) => {
    expect(await environmentWay(env, reachable).find(CATALOGUE.redis)).toMatchObject({
      kind: 'unavailable',
    })
  },
)

it.each([
  ['no URL', 'secret-but-no-url', reachable],
  ['no credentials', 'http://127.0.0.1:9000', reachable],
  ['nobody there', 'http://key:secret-word@127.0.0.1:9000', unreachable],
])('refuses a setting with %s, without repeating it', async (_, url, reach) => {
  const env = { PARTWAY_TEST_MINIO_URL: url }
  const search = environmentWay(env, reach).find(CATALOGUE.minio)
  await expect(search).rejects.toMatchObject({
    name: 'WrongSettingError',
    message: expect.not.stringContaining('secret-'),
  })
})
