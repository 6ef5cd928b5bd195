import type { Limits } from './limits.js'

const MOST = [
  'maxFileSize',
  'maxPartSize',
  'maxOpenUploads',
  'maxReservedBytes',
  'maxStoredBytes',
  'maxUploadsPerDay',
] as const satisfies readonly (keyof Limits)[]

/** What both allow. */
export function narrowed(one: Limits, other: Limits): Limits {
  const most = MOST.flatMap((name) => {
    const given = [one[name], other[name]].filter((limit) => limit !== undefined)
    return given.length === 0 ? [] : [[name, Math.min(...given)] as const]
  })
  const least = [one.minPartSize, other.minPartSize].filter((limit) => limit !== undefined)
  const types = inBoth(one.allowedTypes, other.allowedTypes, coversType)
  const extensions = inBoth(one.allowedExtensions, other.allowedExtensions, coversExtension)
  return {
    ...Object.fromEntries(most),
    ...(least.length > 0 && { minPartSize: Math.max(...least) }),
    ...(types !== undefined && { allowedTypes: types }),
    ...(extensions !== undefined && { allowedExtensions: extensions }),
  }
}

/** Of each two patterns, one from either list, the one that the other covers. */
function inBoth(
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
  covers: (wide: string, narrow: string) => boolean,
): readonly string[] | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const [mine, theirs] = [one, other].map((list) => list.map((item) => item.toLowerCase()))
  const common = (mine ?? []).flatMap((left) =>
    (theirs ?? []).flatMap((right) => {
      if (covers(left, right)) return [right]
      return covers(right, left) ? [left] : []
    }),
  )
  return [...new Set(common)]
}

function coversType(wide: string, narrow: string): boolean {
  if (wide === '*/*' || wide === narrow) return true
  return wide.endsWith('/*') && narrow.startsWith(wide.slice(0, -1))
}

function coversExtension(wide: string, narrow: string): boolean {
  return wide === '*' || wide === narrow || narrow.endsWith(`.${wide}`)
}
