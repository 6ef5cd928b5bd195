import { fileURLToPath } from 'node:url'
import express from 'express'
import { createPartway, UploadError } from 'partway'
import { capabilitiesOf, connectS3 } from 'partway/bucket'
import { createRouter } from 'partway/express'
import { BackgroundWork, InProcessQueue } from 'partway/operations'
import { openSqliteSessionStore } from 'partway/sessions/sqlite'
import { createLogin } from './login.js'

const { env } = process
const { routes: login, userOf } = createLogin(required('SESSION_SECRET'))

const s3 = connectS3({
  bucket: required('PARTWAY_BUCKET'),
  region: env.PARTWAY_S3_REGION || 'us-east-1',
  // Without an endpoint it is AWS. The credentials come from where the AWS SDK looks for them.
  ...(env.PARTWAY_S3_ENDPOINT && { endpoint: env.PARTWAY_S3_ENDPOINT }),
})
const { flags } = await s3.probe({ keyPrefix: '', clock: { now: Date.now } })

const partway = createPartway({
  store: openSqliteSessionStore(env.DATABASE || '.partway/sessions.db'),
  bucket: s3.bucket,
  signer: s3.signer,
  secret: required('PARTWAY_SECRET'),
  capabilities: () => capabilitiesOf(flags),
  onDue: (ref) => work.announce(ref),
})
// Verifies hashes of whole files, finishes what a process left that was killed, and removes what nobody goes on with.
const work = new BackgroundWork({
  partway,
  queue: new InProcessQueue({ onJobFault: (job, fault) => console.error(job.kind, fault) }),
  onClean: () => {},
  onCleanFault: ({ id }, fault) => console.error(`upload ${id}:`, fault),
  onQueueFault: (fault) => console.error(fault),
})

const app = express()
app.use(express.static(folder('./public/')))
app.use('/partway', express.static(folder('./', import.meta.resolve('partway/client'))))
// With a cookie that is SameSite=Lax: no page of another site can make a browser post here.
app.use((req, res, next) =>
  req.method !== 'POST' || req.is('application/json') ? next() : res.sendStatus(415),
)
app.use(login)
app.use(createRouter({ partway, owner }))

const server = app.listen(Number(env.PORT || 3000), '127.0.0.1', (error) => {
  if (error) throw error
  work.start()
  console.log(`http://localhost:${server.address().port}`)
})
process.once('SIGINT', stop)
process.once('SIGTERM', stop)

/** Whose uploads they are: those of one user do not exist for another. */
function owner(req) {
  const user = userOf(req)
  if (user === undefined) throw new UploadError('UNAUTHENTICATED', 'Log in first')
  return user
}

async function stop() {
  await new Promise((resolve) => server.close(resolve))
  await work.stop()
  await partway.close()
  s3.close()
}

function required(name) {
  if (env[name]) return env[name]
  throw new Error(`${name} is not set; see .env.example`)
}

function folder(path, base = import.meta.url) {
  return fileURLToPath(new URL(path, base))
}
