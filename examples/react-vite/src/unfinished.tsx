import { forget, listResumable, type ResumableUpload } from 'partway/client'
import { useEffect, useState } from 'react'
import { bytes } from './words'

interface Props {
  /** Id of the upload that is shown anyway. */
  readonly except: string | undefined
}

/** What was begun in an earlier page. A page cannot keep a file, so the person chooses it again. */
export function Unfinished({ except }: Props) {
  const [uploads, setUploads] = useState<readonly ResumableUpload[]>([])
  useEffect(() => {
    listResumable().then(setUploads)
  }, [])

  const remove = async (id: string) => {
    await forget(id)
    setUploads(await listResumable())
  }
  const shown = uploads.filter(({ uploadId }) => uploadId !== except)
  if (shown.length === 0) return null
  return (
    <section className="card" aria-labelledby="unfinished">
      <h2 id="unfinished">Not finished</h2>
      <p>Choose the same file again, and it goes on where it stopped.</p>
      <ul>
        {shown.map(({ id, filename, acknowledgedBytes, size }) => (
          <li key={id}>
            <div>
              <strong>{filename}</strong>
              <p className="quiet">
                {bytes(acknowledgedBytes)} of {bytes(size)} are there
              </p>
            </div>
            <button type="button" onClick={() => remove(id)} aria-label={`Forget ${filename}`}>
              Forget
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
