import * as z from 'zod/mini'
import { readText } from '../body.js'
import { type BucketCall, type S3Reply, type Service, xmlReply } from '../service.js'
import { malformed, parseXml, unescapeText } from '../xml.js'

const MAX_KEYS = 1_000
/** A thousand keys with every byte as an entity. */
const MAX_XML_BYTES = 8 * 1024 * 1024

const deleteSchema = z.object({
  Quiet: z.optional(z.string()),
  Object: z.array(z.object({ Key: z.string(), VersionId: z.optional(z.string()) })),
})

export async function deleteObjects(call: BucketCall, service: Service): Promise<S3Reply> {
  const { catalogue, blobs } = service
  const parsed = deleteSchema.safeParse(
    parseXml(await readText(call, { maxBytes: MAX_XML_BYTES }), 'Delete'),
  )
  if (!parsed.success || parsed.data.Object.length > MAX_KEYS) throw malformed()
  const { Object: objects, Quiet: quiet } = parsed.data
  catalogue.requireBucket(call.bucket)
  const results = []
  for (const { Key, VersionId = 'null' } of objects) {
    const key = unescapeText(Key)
    if (VersionId === 'null') {
      await blobs.remove(catalogue.objects.delete({ bucket: call.bucket, key }))
      if (quiet !== 'true') results.push(['Deleted', [['Key', key]]] as const)
    } else {
      const why = [
        ['Code', 'NotImplemented'],
        ['Message', 'There are no versions here'],
      ] as const
      results.push(['Error', [['Key', key], ...why]] as const)
    }
  }
  return xmlReply(['DeleteResult', results])
}
