import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { run } from '../../infra/services/run.js'
import { MIB } from '../../src/protocol/index.js'
import { startTestLocalBucket } from '../helpers/local-bucket.js'
import { mcProgram } from '../helpers/services.js'
import { needsService } from './needs-service.js'

describe("MinIO's client on the embedded bucket", () => {
  needsService('mc', mcProgram(), () => {
    const cleanUp: (() => Promise<unknown>)[] = []
    afterAll(async () => {
      for (const step of cleanUp.reverse()) await step()
    })

    it('makes a bucket, copies, lists, mirrors, reads and removes', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'partway-mc-'))
      cleanUp.push(() => rm(folder, { recursive: true }))
      const local = await startTestLocalBucket()
      cleanUp.push(() => local.remove())
      const env = { MC_HOST_local: local.serviceUrl, MC_CONFIG_DIR: join(folder, 'config') }
      const mc = (...args: string[]) =>
        run(mcProgram(), ['--quiet', '--no-color', ...args], { env })

      const source = join(folder, 'source')
      await mkdir(join(source, 'sub'), { recursive: true })
      await writeFile(join(source, 'in parts.bin'), randomBytes(20 * MIB))
      await writeFile(join(source, 'sub', 'é + %20.txt'), 'text')
      await writeFile(join(source, 'empty'), '')

      await mc('mb', 'local/tools')
      await mc('cp', '--recursive', `${source}/`, 'local/tools/copied/')
      await mc('cp', 'local/tools/copied/in parts.bin', 'local/tools/again.bin')
      await mc('mirror', 'local/tools/copied', join(folder, 'back'))
      for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue
        const path = join(entry.parentPath, entry.name)
        const back = await readFile(path.replace(source, join(folder, 'back')))
        expect(back.equals(await readFile(path)), path).toBe(true)
      }
      const listed = await mc('ls', '--recursive', 'local/tools')
      expect(listed).toContain('copied/sub/é + %20.txt')
      expect(listed).toContain('again.bin')
      await mc('rm', '--recursive', '--force', 'local/tools/copied')
      expect(await mc('ls', '--recursive', 'local/tools')).not.toContain('copied')
      await mc('rb', '--force', 'local/tools')
      expect(await mc('ls', 'local')).not.toContain('tools')
    })
  })
})
