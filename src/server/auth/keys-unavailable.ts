/** The keys could not be had, so nothing is known about a token: that is not its bearer's fault. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}
