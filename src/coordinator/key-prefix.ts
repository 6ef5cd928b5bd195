/** S3 keys have at most 1,024 bytes; the id and the name of the file take up to 300 of them. */
const MAX_BYTES = 700

const CHARACTERS = /^([A-Za-z0-9!_.*'()-][A-Za-z0-9!_.*'()/-]*)?$/
const ODD_SEGMENTS = /(^|\/)\.{0,2}\/|\/\.{1,2}$/

/** What is wrong with what keys are to begin with, as the end of a sentence. */
export function keyPrefixProblem(prefix: string): string | undefined {
  if (!CHARACTERS.test(prefix) || ODD_SEGMENTS.test(prefix)) {
    return 'must be letters, digits and !_.*\'()-, in segments separated by single slashes, without "." and ".."'
  }
  return prefix.length > MAX_BYTES ? `must have at most ${MAX_BYTES} bytes` : undefined
}
