import { type UploadControls, useUpload } from 'partway/react'
import { useState } from 'react'
import { DropZone } from './drop-zone'
import { Unfinished } from './unfinished'
import { UploadCard } from './upload-card'

export function App() {
  const { start, ...upload } = useUpload({ endpoint: '/' })
  const [filename, setFilename] = useState('')

  const choose = (file: File) => {
    setFilename(file.name)
    start(file)
  }
  return (
    <main>
      <h1>Upload</h1>
      {isFree(upload.state) && <DropZone onFile={choose} />}
      {upload.state !== 'idle' && <UploadCard filename={filename} upload={upload} />}
      {isFree(upload.state) && <Unfinished except={upload.uploadId} />}
    </main>
  )
}

/** Whether another file may be chosen. */
function isFree(state: UploadControls['state']): boolean {
  return ['idle', 'completed', 'cancelled', 'failed'].includes(state)
}
