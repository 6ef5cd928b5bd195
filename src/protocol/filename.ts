const MAX_BYTES = 255

/** Control characters: C0, DEL, C1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/**
 * Characters that reorder text and so disguise a name (Unicode UAX #9), and the line separators. The
 * invisible marks are refused with them: two names that look the same would not be the same.
 */
const DECEPTIVE = /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/

export function hasForbiddenCharacter(name: string): boolean {
  return CONTROL.test(name) || DECEPTIVE.test(name) || !name.isWellFormed()
}

/**
 * The name as it is stored: the last segment of a path in either manner of writing one, in NFC.
 * `undefined` when nothing usable is left, or when it has more than 255 bytes in UTF-8.
 */
export function cleanFilename(name: string): string | undefined {
  if (hasForbiddenCharacter(name)) return undefined
  const base = name.split(/[\\/]/).at(-1)?.normalize('NFC').trim() ?? ''
  if (base === '' || base === '.' || base === '..') return undefined
  return new TextEncoder().encode(base).length <= MAX_BYTES ? base : undefined
}
