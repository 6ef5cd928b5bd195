import { createUpload, listResumable } from '/partway/partway-client.js'

const $ = (id) => document.getElementById(id)
let user

async function uploadFile(file) {
  const upload = createUpload(file, { endpoint: '/', scope: user })
  upload.on('progress', ({ acknowledgedBytes, totalBytes }) => {
    $('progress').value = acknowledgedBytes / totalBytes
  })
  upload.on('state', ({ state }) => say(state))
  await upload.start()
}

$('file').addEventListener('change', async ({ target }) => {
  target.disabled = true
  try {
    await uploadFile(target.files[0])
  } catch (error) {
    say(error.message)
  }
  Object.assign(target, { value: '', disabled: false })
  await showList()
})

async function showList() {
  const { uploads } = await (await fetch('/uploads?limit=20')).json()
  const rows = uploads.map(({ filename, size, state, uploaded_count, total_chunks }) =>
    row(filename, size, state === 'uploading' ? `${uploaded_count} of ${total_chunks}` : state),
  )
  $('list').replaceChildren(...rows)
}

async function offerUnfinished() {
  const [last] = await listResumable({ scope: user })
  if (last) say(`${last.filename} is not finished: choose it again, and it goes on.`)
}

async function showWhoItIs() {
  const reply = await fetch('/me')
  user = reply.ok ? (await reply.json()).user : undefined
  $('login').hidden = user !== undefined
  $('uploads').hidden = user === undefined
  if (user === undefined) return
  $('user').textContent = user
  await Promise.all([showList(), offerUnfinished()])
}

$('login').addEventListener('submit', async (event) => {
  event.preventDefault()
  const { ok } = await post('/login', Object.fromEntries(new FormData(event.target)))
  $('refused').value = ok ? '' : 'That is not the password of a user.'
  await showWhoItIs()
})

$('logout').addEventListener('click', async () => {
  await post('/logout', {})
  location.reload()
})

function post(path, body) {
  const headers = { 'content-type': 'application/json' }
  return fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

function row(...texts) {
  const cells = texts.map((text) =>
    Object.assign(document.createElement('td'), { textContent: text }),
  )
  const line = document.createElement('tr')
  line.append(...cells)
  return line
}

function say(text) {
  $('status').textContent = text
}

await showWhoItIs()
