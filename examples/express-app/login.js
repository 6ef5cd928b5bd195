import { createHmac, timingSafeEqual } from 'node:crypto'
import express from 'express'

// For the demo. An app of yours keeps salted hashes, and counts failed attempts.
const PASSWORDS = new Map([
  ['ada', 'lovelace'],
  ['grace', 'hopper'],
])
const COOKIE = 'session'
const LIFETIME_MS = 12 * 60 * 60 * 1000

/** A login in a signed cookie: `user.expiry.signature`. */
export function createLogin(secret) {
  const sign = (text) => createHmac('sha256', secret).update(text).digest('base64url')

  function userOf(req) {
    const cookie = new RegExp(`(?:^|; )${COOKIE}=([^;]*)`).exec(req.headers.cookie ?? '')?.[1]
    const [user = '', expires = '', signature = ''] = cookie?.split('.') ?? []
    const isOurs = isSame(signature, sign(`${user}.${expires}`))
    return isOurs && Date.now() < Number(expires) ? user : undefined
  }

  const routes = express.Router()
  routes.post('/login', express.json(), (req, res) => {
    const { user, password } = req.body
    const known = typeof user === 'string' ? PASSWORDS.get(user) : undefined
    if (known === undefined || !isSame(String(password), known)) return res.sendStatus(401)
    const session = `${user}.${Date.now() + LIFETIME_MS}`
    res.cookie(COOKIE, `${session}.${sign(session)}`, {
      httpOnly: true,
      sameSite: 'lax',
      secure: req.secure,
      maxAge: LIFETIME_MS,
    })
    return res.json({ user })
  })
  routes.post('/logout', (_req, res) => res.clearCookie(COOKIE).sendStatus(204))
  routes.get('/me', (req, res) => {
    const user = userOf(req)
    return user === undefined ? res.sendStatus(401) : res.json({ user })
  })
  return { routes, userOf }
}

function isSame(given, wanted) {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}
