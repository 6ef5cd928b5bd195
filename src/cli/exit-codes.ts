import { PartwayError } from '../client/partway-error.js'

/** What the exit code of the program says. `docs/cli.md` is checked against it. */
export const EXIT_CODES = [
  { code: 0, meaning: 'Done: the object is proven to be complete.' },
  { code: 1, meaning: 'Something unexpected went wrong.' },
  { code: 2, meaning: 'The arguments or the settings are not valid; nothing was begun.' },
  { code: 3, meaning: 'The server or the bucket refused the request.' },
  { code: 4, meaning: 'The server or the bucket stayed away, however often it was tried.' },
  {
    code: 5,
    meaning: 'The local file is missing, unreadable, empty, no regular file, or changed.',
  },
  { code: 6, meaning: 'A checksum does not match.' },
  { code: 130, meaning: 'Interrupted by Ctrl-C (143 by SIGTERM); what has arrived is kept.' },
] as const

export const OK = 0
const UNEXPECTED = 1
export const USAGE = 2
const REFUSED = 3
const AWAY = 4
const LOCAL_FILE = 5
const MISMATCH = 6

const BY_ERROR_CODE: Readonly<Record<string, number>> = {
  INVALID_OPTION: USAGE,
  SERVER_UNREACHABLE: AWAY,
  BUCKET_UNREACHABLE: AWAY,
  BUCKET_REFUSED: REFUSED,
  WRONG_STATE: REFUSED,
  LIMIT_REACHED: REFUSED,
  FILE_MISSING: LOCAL_FILE,
  FILE_UNREADABLE: LOCAL_FILE,
  FILE_NOT_REGULAR: LOCAL_FILE,
  FILE_EMPTY: LOCAL_FILE,
  FILE_CHANGED: LOCAL_FILE,
  CHECKSUM_MISMATCH: MISMATCH,
}

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof PartwayError)) return UNEXPECTED
  return BY_ERROR_CODE[error.code] ?? byStatus(error.status)
}

function byStatus(status: number | undefined): number {
  if (status === undefined || status < 400) return UNEXPECTED
  return status >= 500 || status === 429 || status === 408 ? AWAY : REFUSED
}

/** Of several files, the one with the highest code decides. */
export function worstOf(codes: readonly number[]): number {
  return Math.max(OK, ...codes)
}

export function exitCodesHelp(): string {
  return ['Exit codes:', ...EXIT_CODES.map(({ code, meaning }) => `  ${code}  ${meaning}`)].join(
    '\n',
  )
}
