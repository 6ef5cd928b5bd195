export interface FileIntakeOptions {
  readonly input: HTMLInputElement
  readonly onFiles: (files: File[]) => void
  /** Folders were dropped, of which nothing is taken. */
  readonly onFolders: () => void
}

/** Takes files that are chosen, and files that are dropped anywhere on the page. */
export function takeFiles({ input, onFiles, onFolders }: FileIntakeOptions): void {
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])]
    // So that the same file can be chosen again.
    input.value = ''
    if (files.length > 0) onFiles(files)
  })
  watchDragging()
  addEventListener('drop', (event) => {
    event.preventDefault()
    if (event.dataTransfer === null) return
    const { files, folders } = droppedIn(event.dataTransfer)
    if (files.length > 0) onFiles(files)
    if (folders > 0) onFolders()
  })
}

/** Entering and leaving are told of every element within the page, so they are counted. */
function watchDragging(): void {
  let depth = 0
  const change = (by: number) => {
    depth = by === 0 ? 0 : Math.max(0, depth + by)
    document.body.classList.toggle('is-dragging', depth > 0)
  }
  addEventListener('dragenter', (event) => {
    if (hasFiles(event)) change(1)
  })
  addEventListener('dragleave', (event) => {
    if (hasFiles(event)) change(-1)
  })
  addEventListener('drop', () => change(0))
  // Otherwise the browser would open the file instead.
  addEventListener('dragover', (event) => event.preventDefault())
}

function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes('Files') ?? false
}

function droppedIn({ items }: DataTransfer): { files: File[]; folders: number } {
  const files: File[] = []
  let folders = 0
  for (const item of items) {
    if (item.webkitGetAsEntry()?.isDirectory) folders += 1
    else {
      const file = item.getAsFile()
      if (file !== null) files.push(file)
    }
  }
  return { files, folders }
}
