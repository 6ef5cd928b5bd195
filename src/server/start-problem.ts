/** Why a server does not start, in words that are enough for whoever started it. */
export class StartProblem extends Error {
  override readonly name = 'StartProblem'
}
