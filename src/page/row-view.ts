import { button, element } from './dom.js'
import type { Tone } from './words.js'

export interface Share {
  /** From 0 to 1: what the bucket has confirmed, and that with what is on its way. */
  readonly arrived: number
  readonly sent: number
  readonly text: string
}

export interface Action {
  readonly name: string
  readonly onPress: () => void
  readonly primary?: boolean
}

/** One file in a list: its name, how far it is, what there is to say and to do about it. */
export class RowView {
  readonly root: HTMLLIElement
  readonly #title: string
  // So that it can have the focus when what had it is gone.
  readonly #name = element('h3', { class: 'name', attributes: { tabindex: '-1' } })
  readonly #badge = element('span', { class: 'badge' })
  readonly #bar: HTMLElement
  readonly #detail = element('p', { class: 'detail' })
  readonly #note = element('p', { class: 'note' })
  readonly #problem = element('div', { class: 'problem' })
  readonly #result = element('dl', { class: 'result' })
  readonly #actions = element('div', { class: 'actions' })
  #actionNames = ''

  constructor(title: string) {
    this.#title = title
    this.#name.textContent = title
    this.#bar = element('div', {
      class: 'bar',
      attributes: { role: 'progressbar', 'aria-label': `Progress of ${title}` },
    })
    const head = element('div', { class: 'row-head' }, this.#name, this.#badge)
    const foot = element('div', { class: 'row-foot' }, this.#detail, this.#actions)
    const parts = [head, this.#bar, this.#note, this.#problem, this.#result, foot]
    this.root = element('li', { class: 'row' }, ...parts)
    for (const empty of [this.#note, this.#problem, this.#result]) empty.hidden = true
  }

  state(word: string, tone: Tone): void {
    this.#badge.textContent = word
    this.root.className = `row is-${tone}`
  }

  progress({ arrived, sent, text }: Share): void {
    this.#bar.style.setProperty('--arrived', String(arrived))
    this.#bar.style.setProperty('--sent', String(sent))
    this.#bar.setAttribute('aria-valuenow', String(Math.floor(arrived * 100)))
    this.#bar.setAttribute('aria-valuetext', text)
    this.#detail.textContent = text
  }

  /** Empty for none. */
  note(text: string): void {
    this.#note.textContent = text
    this.#note.hidden = text === ''
  }

  problem(problem?: {
    readonly title: string
    readonly text: string
    readonly trace?: string
  }): void {
    this.#problem.hidden = problem === undefined
    if (problem === undefined) return
    const { title, text, trace } = problem
    this.#problem.replaceChildren(element('strong', {}, title), text)
    if (trace !== undefined) this.#problem.append(element('small', {}, trace))
  }

  result(rows: readonly (readonly [name: string, value: string])[]): void {
    const items = rows.flatMap(([name, value]) => [
      element('dt', {}, name),
      element('dd', {}, value),
    ])
    this.#result.replaceChildren(...items)
    this.#result.hidden = false
    this.#bar.hidden = true
    this.#detail.hidden = true
  }

  /** Nothing changes while they stay the same; when they change, the focus stays in the row. */
  actions(actions: readonly Action[]): void {
    const names = actions.map(({ name }) => name).join()
    if (names === this.#actionNames) return
    this.#actionNames = names
    const at = [...this.#actions.children].indexOf(document.activeElement as Element)
    this.#actions.replaceChildren(...actions.map((action) => this.#button(action)))
    if (at < 0) return
    const successor = this.#actions.children[at]
    if (successor instanceof HTMLButtonElement) successor.focus()
    else this.#name.focus()
  }

  focus(): void {
    this.#name.focus()
  }

  #button({ name, onPress, primary }: Action): HTMLButtonElement {
    const made = button(name, `${name}: ${this.#title}`, onPress)
    made.classList.toggle('primary', primary === true)
    return made
  }
}
