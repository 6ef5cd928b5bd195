/**
 * Types that are one as far as the first bytes tell: other names of the same, containers of the same make, and formats
 * that are a ZIP or an OLE file within.
 */
const FAMILIES: readonly (readonly RegExp[])[] = [
  [/^image\/(jpe?g|pjpeg)$/],
  [/^image\/(a?png|x-png|vnd\.mozilla\.apng)$/],
  [/^image\/(x-icon|vnd\.microsoft\.icon|ico)$/],
  [/^image\/(bmp|x-bmp|x-ms-bmp)$/],
  [/^image\/(tiff|x-(adobe|canon|dcraw|fujifilm|nikon|olympus|panasonic|raw|sony).*)$/],
  [/^image\/(jp2|jpx|jpm|j2c|mj2)$/, /^video\/mj2$/],
  [/^image\/(hei[cf](-sequence)?|avif)$/],
  [/^(video|audio|application)\/((x-)?m4[abpv]|mp4|mpeg4.*|quicktime|3gpp2?)$/],
  [/^(video|audio|application)\/(x-)?(matroska|webm)$/],
  [/^(video|audio|application)\/(x-)?(ogg|opus|theora|vorbis|ogm|speex)/],
  [/^audio\/(mpeg|mp[123]|x-mp3|mpa|aac|x-aac|aacp)$/],
  [/^audio\/(x-)?(wav|wave|vnd\.wave|qcelp)$/, /^video\/(vnd\.avi|x-msvideo|avi|msvideo)$/],
  [/^audio\/(x-)?(aiff|flac|ape|wavpack|midi?)$/],
  [/^(video|audio|application)\/(x-ms-(asf|wmv|wma)|vnd\.ms-asf)$/],
  [/^video\/(mpeg|mp[12][a-z]|mp2t)$/],
  [/^application\/(x-)?(gzip|tar|gtar|compressed-tar|tgz)$/],
  [/^application\/(x-)?bzip2?$/],
  [/^application\/(x-|vnd\.)?rar(-compressed)?$/],
  [
    /^application\/(x-zip.*|zip|java-archive|epub\+zip|x-xpinstall|vnd\.android.*|vnd\.oasis.*|vnd\.openxml.*|vnd\.ms-.*)$/,
    /^model\/3mf$/,
  ],
  [/^application\/(x-cfb|msword|vnd\.ms-.*|vnd\.visio|x-msi|x-ole-storage|vnd\.ms-outlook)$/],
  [/^application\/(postscript|eps|x-eps|illustrator)$/, /^image\/x-eps$/],
  [/^application\/(pdf|illustrator)$/],
  [/^(application|text)\/rtf$/],
  [/[/+]xml$/],
  [/^(application\/(x-)?font-.*|font\/.*|application\/vnd\.ms-fontobject)$/],
]

/** What says nothing, and so contradicts nothing. */
const ANYTHING = /^(application\/octet-stream|binary\/octet-stream|application\/x-.*)$/

/** Of these the first bytes are always the same, so that bytes without them are something else. */
const ALWAYS_TOLD =
  /^(image\/(jpeg|png|gif|webp|tiff|bmp|heic|heif|avif|jxl)|video\/(mp4|webm|matroska|quicktime|vnd\.avi)|audio\/(wav|flac|ogg|midi)|application\/(pdf|zip|gzip|wasm))$/

const MEDIA = /^(image|video|audio|font)\//
const TEXT =
  /^text\/|^application\/(json|javascript|x-javascript|sql|yaml|toml)$|[/+](json|xml|yaml)$/

/**
 * Whether a file of that media type may begin so, by its magic number. Texts have none: what is said to be one must have
 * no bytes that no text has, or be of no other type that is known by its own.
 */
export async function checkContent(type: string, beginning: Uint8Array): Promise<boolean> {
  if (ANYTHING.test(type)) return true
  // Some magic numbers are two letters, with which a text may begin as well.
  if (TEXT.test(type) && isText(beginning)) return true
  // Loaded here only: most servers never look.
  const { fileTypeFromBuffer, supportedMimeTypes } = await import('file-type')
  // Bytes that no parser gets along with have no type.
  const found = await fileTypeFromBuffer(beginning).catch(() => undefined)
  if (found === undefined) return !ALWAYS_TOLD.test(type)
  const [foundType = ''] = found.mime.split(';')
  const isKnown = supportedMimeTypes.has(type) || TEXT.test(type) || MEDIA.test(type)
  // Of a type that nobody here knows, nobody can say what it begins with.
  return foundType === type || areFamily(foundType, type) || !isKnown
}

/** No control characters but those that end lines and pages, move to the next column, or begin an escape. */
function isText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 0x20 || (byte >= 0x08 && byte <= 0x0d) || byte === 0x1b)
}

function areFamily(one: string, other: string): boolean {
  return FAMILIES.some((family) =>
    [one, other].every((type) => family.some((pattern) => pattern.test(type))),
  )
}
