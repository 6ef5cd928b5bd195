import { type DragEvent, useState } from 'react'

interface Props {
  readonly onFile: (file: File) => void
}

export function DropZone({ onFile }: Props) {
  const [isOver, setIsOver] = useState(false)

  const over = (event: DragEvent) => {
    event.preventDefault()
    setIsOver(true)
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setIsOver(false)
    const file = event.dataTransfer.files[0]
    if (file !== undefined) onFile(file)
  }
  return (
    <label
      className={isOver ? 'zone over' : 'zone'}
      onDragOver={over}
      onDragLeave={() => setIsOver(false)}
      onDrop={drop}
    >
      <input
        type="file"
        onChange={({ target }) => {
          const file = target.files?.[0]
          if (file !== undefined) onFile(file)
        }}
      />
      <strong>Drop a file here</strong>
      <span className="quiet">or choose one</span>
    </label>
  )
}
