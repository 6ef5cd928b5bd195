/** What a reader of the screen is told when it happens, without losing its place. */
export class Announcer {
  readonly #region: HTMLElement
  #lines: string[] = []

  constructor(region: HTMLElement) {
    this.#region = region
  }

  /** What is said within one moment is said together: each change of the region replaces the last. */
  say(text: string): void {
    if (this.#lines.length === 0) setTimeout(() => this.#flush(), 100)
    this.#lines.push(text)
  }

  #flush(): void {
    this.#region.textContent = this.#lines.join(' ')
    this.#lines = []
  }
}
