import { ROUTES } from '../protocol/routes.js'
import { Announcer } from './announcer.js'
import { byId } from './dom.js'
import { takeFiles } from './file-intake.js'
import { Unfinished } from './unfinished.js'
import { UploadList } from './upload-list.js'

const announcer = new Announcer(byId('announcer', HTMLElement))
const input = byId('files', HTMLInputElement)
const onFocusLost = () => input.focus()

const uploads = new UploadList({
  section: byId('uploads', HTMLElement),
  list: byId('upload-list', HTMLElement),
  summary: byId('summary', HTMLElement),
  announcer,
  onChange: () => void unfinished.refresh(),
  onFocusLost,
})

const unfinished = new Unfinished({
  section: byId('unfinished', HTMLElement),
  list: byId('unfinished-list', HTMLElement),
  input: byId('same-file', HTMLInputElement),
  announcer,
  current: () => uploads.files,
  onFile: (file) => uploads.add([file]),
  discard,
  onFocusLost,
})

takeFiles({
  input,
  onFiles: (files) => uploads.add(files),
  onFolders: () => announcer.say('Folders are not taken. Choose the files in them.'),
})
void unfinished.refresh()

/** What the server does not know any more is discarded already. */
async function discard(uploadId: string): Promise<void> {
  const { method, path } = ROUTES.abort
  const reply = await fetch(`.${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ upload_id: uploadId }),
  }).catch(() => undefined)
  if (reply === undefined) throw new Error('The server does not answer.')
  if (!reply.ok && reply.status !== 404 && reply.status !== 410) {
    throw new Error(`The server answered ${reply.status}.`)
  }
}
