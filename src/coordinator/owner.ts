const MAX_OWNER_BYTES = 256

/**
 * What is wrong with the name of an owner, as the end of a sentence. What is not well-formed Unicode has no
 * bytes of its own: a store would take two such owners for one.
 */
export function ownerProblem(owner: string): string | undefined {
  const bytes = Buffer.byteLength(owner)
  if (bytes < 1 || bytes > MAX_OWNER_BYTES) {
    return `must have from 1 to ${MAX_OWNER_BYTES} bytes, but has ${bytes}`
  }
  if (!owner.isWellFormed() || /\p{Cc}/u.test(owner)) {
    return 'must be well-formed Unicode without control characters'
  }
  return undefined
}
