import { RATE_GROUPS } from '../http/rates.js'
import type { ServerConfig } from './config.js'

export interface LimitFinding {
  readonly level: 'ok' | 'less'
  readonly text: string
}

/** For `partway doctor`: what callers may take of the server and of the bucket, in plain words. */
export function examineLimits({ limits, guard }: ServerConfig): LimitFinding[] {
  const { maxOpenUploads, maxReservedBytes, maxStoredBytes, maxUploadsPerDay } = limits
  const set = [maxOpenUploads, maxReservedBytes, maxStoredBytes, maxUploadsPerDay]
  const isFree = set.every((limit) => limit === undefined)
  const open = `An owner may take any amount of room: PARTWAY_MAX_OPEN_UPLOADS and PARTWAY_MAX_RESERVED_BYTES limit it.`
  const words = [
    maxOpenUploads !== undefined && `${maxOpenUploads} uploads under way`,
    maxReservedBytes !== undefined && `${maxReservedBytes} bytes under way`,
    maxStoredBytes !== undefined && `${maxStoredBytes} bytes stored`,
    maxUploadsPerDay !== undefined && `${maxUploadsPerDay} uploads a day`,
  ].filter((word) => word !== false)
  const unlimited = RATE_GROUPS.filter((group) => guard.rates.owner?.[group] === undefined)
  return [
    isFree
      ? { level: 'less', text: open }
      : { level: 'ok', text: `An owner may have at most ${words.join(', ')}.` },
    unlimited.length === 0
      ? { level: 'ok', text: 'The rates of all calls are limited.' }
      : {
          level: 'less',
          text: `The rates of some calls are not limited: ${unlimited.join(', ')}.`,
        },
  ]
}
