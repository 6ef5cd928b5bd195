import { EXTENSION_PATTERN, type Limits, MEDIA_TYPE_PATTERN } from '../coordinator/limits.js'
import type { SettingsReader } from './settings-reader.js'
import type { VariableName } from './variables.js'

/** 10,000 parts of 5 GiB: no bucket takes more. */
const MAX_FILE = '50000GiB'
const MAX_BYTES = '8000TiB'
const MAX_COUNT = 1_000_000_000

/** Reads what callers may do who have no limits of their own. */
export function limitsOf(read: SettingsReader): Limits {
  const part = { min: '1B', max: '5GiB' }
  const owned = { min: '0B', max: MAX_BYTES }
  const limits = {
    maxFileSize: read.bytes('PARTWAY_MAX_SIZE', { min: '1B', max: MAX_FILE }),
    ...given(read, 'PARTWAY_MIN_PART_SIZE', (name) => ({ minPartSize: read.bytes(name, part) })),
    ...given(read, 'PARTWAY_MAX_PART_SIZE', (name) => ({ maxPartSize: read.bytes(name, part) })),
    ...given(read, 'PARTWAY_ALLOWED_TYPES', (name) => ({ allowedTypes: typesOf(read, name) })),
    ...given(read, 'PARTWAY_ALLOWED_EXTENSIONS', (name) => ({
      allowedExtensions: extensionsOf(read, name),
    })),
    ...given(read, 'PARTWAY_MAX_OPEN_UPLOADS', (name) => ({
      maxOpenUploads: read.integer(name, 0, MAX_COUNT),
    })),
    ...given(read, 'PARTWAY_MAX_RESERVED_BYTES', (name) => ({
      maxReservedBytes: read.bytes(name, owned),
    })),
    ...given(read, 'PARTWAY_MAX_STORED_BYTES', (name) => ({
      maxStoredBytes: read.bytes(name, owned),
    })),
    ...given(read, 'PARTWAY_MAX_UPLOADS_PER_DAY', (name) => ({
      maxUploadsPerDay: read.integer(name, 0, MAX_COUNT),
    })),
  }
  checkParts(read, limits)
  return limits
}

function given<T extends object>(
  read: SettingsReader,
  name: VariableName,
  value: (name: VariableName) => T,
): T | undefined {
  return read.optional(name) === undefined ? undefined : value(name)
}

function checkParts(read: SettingsReader, { minPartSize, maxPartSize }: Limits): void {
  if (!read.areFine('PARTWAY_MIN_PART_SIZE', 'PARTWAY_MAX_PART_SIZE')) return
  if (minPartSize !== undefined && maxPartSize !== undefined && minPartSize > maxPartSize) {
    read.problem('PARTWAY_MIN_PART_SIZE', 'must not be more than PARTWAY_MAX_PART_SIZE')
  }
}

function typesOf(read: SettingsReader, name: VariableName): string[] {
  const types = read.list(name)
  for (const type of types) {
    if (MEDIA_TYPE_PATTERN.test(type)) continue
    read.problem(name, 'must be media types such as image/png,video/*', type)
  }
  return types.map((type) => type.toLowerCase())
}

function extensionsOf(read: SettingsReader, name: VariableName): string[] {
  const extensions = read.list(name).map((extension) => extension.replace(/^\./, ''))
  for (const extension of extensions) {
    if (EXTENSION_PATTERN.test(extension)) continue
    read.problem(name, 'must be endings of names such as jpg,png,tar.gz', extension)
  }
  return extensions.map((extension) => extension.toLowerCase())
}
