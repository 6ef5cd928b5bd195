import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { run } from '../../infra/services/run.js'

const infra = fileURLToPath(new URL('../../infra/', import.meta.url))

// Where there is no Terraform the set-up has said so.
describe.skipIf(inject('terraform') === undefined)('infra/terraform', () => {
  let folder: string

  // What Terraform downloads and writes is not to be left in the project.
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'partway-terraform-'))
    for (const part of ['terraform', 'aws']) {
      await cp(join(infra, part), join(folder, part), { recursive: true })
    }
    const plugins = inject('terraform')?.plugins
    const mirror = plugins === undefined ? [] : [`-plugin-dir=${plugins}`]
    await terraform('init', '-backend=false', '-input=false', ...mirror)
  })
  afterAll(() => rm(folder, { recursive: true }))

  const terraform = (...args: string[]) =>
    run(inject('terraform')?.program ?? '', args, {
      cwd: join(folder, 'terraform'),
      env: { TF_CLI_CONFIG_FILE: '', CHECKPOINT_DISABLE: '1' },
    })

  it('is valid by the schema of the provider, and formatted', async () => {
    expect(JSON.parse(await terraform('validate', '-json'))).toMatchObject({
      valid: true,
      warning_count: 0,
    })
    await terraform('fmt', '-check', '-recursive')
  })

  it('plans what its tests say: CORS, lifecycle, policies', async () => {
    expect(await terraform('test', '-no-color')).toMatch(/Success! [1-9]\d* passed, 0 failed/)
  })
})
