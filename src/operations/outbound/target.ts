import { isIP } from 'node:net'
import { type AddressClass, classOf } from './address-class.js'

/**
 * Who may be asked besides servers of the internet: with `true` any server of a private network, with a list those
 * hosts, as they are written in the URL. Only there plain `http:` will do. Addresses that nobody should be sent to,
 * such as 169.254.169.254, stay refused.
 */
export type AllowedPrivate = boolean | readonly string[]

/** `url`: it is none. `credentials`: it has some. `address`: it leads, or its name resolves, to where nothing is sent. */
export type OutboundRefusal = 'url' | 'scheme' | 'credentials' | 'address'

export interface Target {
  readonly kind: 'target'
  readonly url: URL
  /** To be asked of each address, right before it is connected to. */
  readonly admits: (address: string) => boolean
}

export type TargetOutcome = Target | { readonly kind: 'refused'; readonly why: OutboundRefusal }

/** What can be said of an address without asking for its name. */
export function targetOf(text: string, allowed: AllowedPrivate): TargetOutcome {
  if (!URL.canParse(text)) return refused('url')
  const url = new URL(text)
  // Of an address in an odd form, such as 0x7f.1 or 2130706433, the URL standard makes an ordinary one.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const isAllowed =
    typeof allowed === 'boolean' ? allowed : allowed.some((one) => one.toLowerCase() === host)
  const isPlain = url.protocol === 'http:'
  if (!isPlain && url.protocol !== 'https:') return refused('scheme')
  if (isPlain && !isAllowed) return refused('scheme')
  if (url.username !== '' || url.password !== '') return refused('credentials')
  const classes: readonly AddressClass[] = [
    ...(isPlain ? [] : (['public'] as const)),
    ...(isAllowed ? (['private'] as const) : []),
  ]
  const admits = (address: string) => classes.includes(classOf(address))
  // A literal address is connected to without any look-up.
  if (isIP(host) !== 0 && !admits(host)) return refused('address')
  return { kind: 'target', url, admits }
}

/** What is wrong with a URL by itself; its name is not resolved. */
export function outboundRefusal(url: string, allowed: AllowedPrivate): OutboundRefusal | undefined {
  const target = targetOf(url, allowed)
  return target.kind === 'refused' ? target.why : undefined
}

function refused(why: OutboundRefusal): TargetOutcome {
  return { kind: 'refused', why }
}
