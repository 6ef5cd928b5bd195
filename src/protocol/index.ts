export { parseByteSize } from './byte-size.js'
export * from './checksum-mode.js'
export * from './errors.js'
export { encodeMetadataValue } from './fields.js'
export { cleanFilename, hasForbiddenCharacter } from './filename.js'
export * from './layout.js'
export * from './messages.js'
export * from './parse.js'
export { parseReply } from './parse-reply.js'
export * from './routes.js'
export { UPLOAD_STATES, type UploadState } from './upload-state.js'
export {
  EVENT_TYPES,
  type EventType,
  type WebhookEvent,
  webhookEvent,
} from './webhook-event.js'
export * from './wire-case.js'
