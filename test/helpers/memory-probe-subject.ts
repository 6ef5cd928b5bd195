import { type ProbeOptions, type ProbeSubject, probeBucket } from '../../src/bucket/index.js'
import type { Bucket } from '../../src/coordinator/ports.js'
import type { MemoryBucket } from './memory-bucket.js'

let count = 0

/** A bucket in memory as the probe sees it; a test replaces what is to lie. */
export function memoryProbeSubject(
  memory: MemoryBucket,
  lies: Partial<ProbeSubject> = {},
): ProbeSubject {
  return {
    bucket: memory,
    unreplacing: altered(memory, {
      completeMultipartUpload: async (request) =>
        memory.object(request.key) === undefined
          ? memory.completeMultipartUpload(request)
          : { kind: 'conflict' },
    }),
    signer: memory,
    listMultipartIds: async (prefix) =>
      memory.openUploads().flatMap(({ key, multipartId }) => (key === prefix ? multipartId : [])),
    deleteObject: async (key) => memory.deleteObject(key),
    clockOffset: async () => 0,
    ...lies,
  }
}

/** The same bucket, but for some of its calls. */
export function altered(bucket: Bucket, calls: Partial<Bucket>): Bucket {
  return {
    name: bucket.name,
    createMultipartUpload: (request) => bucket.createMultipartUpload(request),
    listParts: (target) => bucket.listParts(target),
    listMultipartUploads: (key) => bucket.listMultipartUploads(key),
    completeMultipartUpload: (request) => bucket.completeMultipartUpload(request),
    abortMultipartUpload: (target) => bucket.abortMultipartUpload(target),
    headObject: (key) => bucket.headObject(key),
    readObject: (request) => bucket.readObject(request),
    removeObject: (request) => bucket.removeObject(request),
    check: () => bucket.check(),
    ...calls,
  }
}

export function probeMemory(subject: ProbeSubject, options: Pick<ProbeOptions, 'put'> = {}) {
  count += 1
  let texts = 0
  const random = () => `${count}-${++texts}`
  return probeBucket(subject, { keyPrefix: 'in/', random, ...options })
}

/** An error as the SDK throws it. */
export function sdkError(name: string, status: number): Error {
  return Object.assign(new Error(`said of https://bucket.example/key: ${name}`), {
    name,
    $metadata: { httpStatusCode: status },
  })
}
