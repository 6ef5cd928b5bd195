/**
 * Characters that a terminal acts on or that disguise what is shown: control characters, and the marks
 * that reorder or hide text (Unicode UAX #9).
 */
const HARMFUL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g

/**
 * `text` with every such character spelt out (`\x1b`). Whatever comes from a file system or a server goes
 * through here before it is shown to a person.
 */
export function printable(text: string): string {
  return text.replace(HARMFUL, (char) => {
    const code = char.charCodeAt(0).toString(16)
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`
  })
}
