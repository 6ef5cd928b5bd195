import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AuthConfig, JwtConfig } from '../../../../src/server/auth/auth-config.js'
import { examineAuth } from '../../../../src/server/auth/examine-auth.js'
import { newToken } from '../../../../src/server/auth/token-lines.js'
import { createLog } from '../../../../src/server/logging.js'
import { serveApp } from '../../../http/http-app.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partway-examine-'))
})
afterEach(() => rm(folder, { recursive: true }))

const log = createLog('silent', { write: () => {} })
const examine = (auth: AuthConfig) => examineAuth(auth, { log, clock: { now: () => Date.now() } })

const jwtBy = (keys: JwtConfig['keys']): JwtConfig => ({
  kind: 'jwt',
  keys,
  algorithms: ['RS256'],
  issuer: 'i',
  audiences: ['a'],
  ownerClaim: 'sub',
})

describe('what doctor says of authentication', () => {
  it('is that there is none, where there is none', async () => {
    expect((await examine({ kind: 'none' })).level).toBe('less')
  })

  it('is how many tokens there are, or which line is not valid', async () => {
    const file = join(folder, 'tokens')
    await writeFile(file, `${newToken('ada').line}\n${newToken('bob').line}\n`)
    expect(await examine({ kind: 'token', file })).toEqual({
      level: 'ok',
      text: 'The file of tokens is valid; it has 2.',
    })
    await writeFile(file, 'marked')
    const { level, text } = await examine({ kind: 'token', file })
    expect(level).toBe('broken')
    expect(text).toContain('line 1 is not')
    expect(text).not.toContain('marked')
  })

  it('is whether the issuer gives its keys', async () => {
    const issuer = await serveApp((_req, res) => res.end('{"keys": []}'))
    const auth = jwtBy({ kind: 'jwks', url: issuer.url })
    expect((await examine(auth)).level).toBe('ok')
    await issuer.close()
    const { level, text } = await examine(auth)
    expect(level).toBe('broken')
    expect(text).toContain('PARTWAY_JWT_JWKS_URL')
  })

  it('does not repeat a shared secret', async () => {
    const finding = await examine(jwtBy({ kind: 'secret', secrets: ['marked'] }))
    expect(finding.level).toBe('ok')
    expect(finding.text).not.toContain('marked')
  })
})
