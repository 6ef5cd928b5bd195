/** The methods of a port; each gives a promise. */
export type MethodOf<P> = {
  [K in keyof P]: P[K] extends (...args: never[]) => Promise<unknown> ? K : never
}[keyof P] &
  string

/** Does a call of a method, with something before and after. */
export type Around = <T>(method: string, call: () => Promise<T>) => Promise<T>

/** The same port, but with these members. Both may have state that only they can reach. */
export function overlaid<P extends object>(port: P, members: Partial<P>): P {
  const made = {}
  for (const name of memberNames(port)) {
    const replaced: unknown = Reflect.get(members, name)
    const own: unknown = Reflect.get(port, name)
    const value = replaced ?? (typeof own === 'function' ? own.bind(port) : undefined)
    const get = () => value ?? Reflect.get(port, name)
    Object.defineProperty(made, name, { enumerable: true, get })
  }
  // It has every member that the port has.
  return made as P
}

/** The same port, with `around` about each call of its methods. */
export function observed<P extends object>(port: P, around: Around): P {
  const members: Record<string, unknown> = {}
  for (const name of methodNames(port)) {
    const method: unknown = Reflect.get(port, name)
    if (typeof method !== 'function') continue
    members[name] = (...args: unknown[]) =>
      around(name, async () => Reflect.apply(method, port, args))
  }
  return overlaid(port, members as Partial<P>)
}

export function methodNames(port: object): string[] {
  return memberNames(port).filter((name) => typeof Reflect.get(port, name) === 'function')
}

/** Those of its class as well. */
function memberNames(port: object): string[] {
  const names = new Set<string>()
  for (let at = port; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name)
  }
  names.delete('constructor')
  return [...names]
}
