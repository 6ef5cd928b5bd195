import type { LookupFunction } from 'node:net'

export interface NamedAddress {
  readonly address: string
  readonly family: number
}

/** All addresses of a host, as the system knows them. */
export type Lookup = (host: string) => Promise<readonly NamedAddress[]>

/** The name leads to an address that nothing is sent to. */
export class RefusedAddress extends Error {
  override readonly name = 'RefusedAddress'
}

/**
 * Names are resolved once a connection, and what was checked is what is connected to: a name that leads elsewhere the next
 * time gets nowhere by it. A name of which one address is refused is refused as a whole.
 */
export function guardedLookup(
  lookup: Lookup,
  admits: (address: string) => boolean,
): LookupFunction {
  return (host, options, callback) => {
    lookup(host)
      .then((found) => {
        if (!found.every(({ address }) => admits(address))) throw new RefusedAddress()
        const fitting = found.filter(({ family }) => isAsked(options.family, family))
        const [first] = fitting
        if (first === undefined) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' })
        return { first, fitting }
      })
      .then(
        ({ first, fitting }) =>
          options.all === true
            ? callback(null, [...fitting])
            : callback(null, first.address, first.family),
        (error: NodeJS.ErrnoException) => callback(error, ''),
      )
  }
}

function isAsked(asked: number | string | undefined, family: number): boolean {
  return asked === undefined || asked === 0 || asked === family || asked === `IPv${family}`
}
