export type { CreateUploadOptions } from '../client/index.js'
export { PartwayError } from '../client/index.js'
export { type UploadControls, useUpload } from './use-upload.js'
