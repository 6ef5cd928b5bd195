type Child = Node | string

export interface ElementOptions {
  readonly class?: string
  readonly attributes?: Readonly<Record<string, string>>
}

/** Builds an element; text becomes text, never markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  options: ElementOptions = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  if (options.class !== undefined) made.className = options.class
  for (const [name, value] of Object.entries(options.attributes ?? {})) {
    made.setAttribute(name, value)
  }
  made.append(...children)
  return made
}

/** The element of index.html with that id. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`)
  return found
}

/** `label` is all of it for those who hear the button instead of seeing where it stands. */
export function button(text: string, label: string, onPress: () => void): HTMLButtonElement {
  const made = element('button', {
    class: 'button',
    attributes: { type: 'button', 'aria-label': label },
  })
  made.textContent = text
  made.addEventListener('click', onPress)
  return made
}
