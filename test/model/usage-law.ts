import type { Upload } from '../../src/coordinator/session.js'
import type { FileHistory } from './history.js'
import type { World } from './world.js'

/** What an owner is said to have is the sum over the uploads that are live, whatever crashed on the way. */
export async function usageProblem(
  world: World,
  history: FileHistory,
): Promise<string | undefined> {
  const { owner } = history.file.spec
  const expected = { openUploads: 0, reservedBytes: 0, storedBytes: 0 }
  for (const one of world.histories.filter(({ file }) => file.spec.owner === owner)) {
    const upload = (await world.sessionOf(one))?.upload
    if (upload === undefined) continue
    if (isStored(upload)) expected.storedBytes += upload.size
    if (!isLive(upload, world.stage.now, one.openingEnd)) continue
    expected.openUploads++
    expected.reservedBytes += upload.size
  }
  const { uploadsToday: _, ...said } = await world.usageOf(history)
  const [are, should] = [JSON.stringify(said), JSON.stringify(expected)]
  return are === should ? undefined : `${owner} is said to have ${are}, but has ${should}`
}

function isStored({ state, standing }: Upload): boolean {
  return state === 'completed' || standing === true
}

function isLive({ state, expiresAt, standing }: Upload, now: number, openingEnd: number): boolean {
  switch (state) {
    case 'creating':
      return openingEnd > now
    case 'uploading':
    case 'aborting':
      return expiresAt > now
    case 'completing':
    case 'verifying':
      return standing !== true
    default:
      return false
  }
}
