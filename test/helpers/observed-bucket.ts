import type { Bucket } from '../../src/coordinator/ports.js'

type Method = Exclude<keyof Bucket, 'name'>

/** What a test does to the calls of a bucket, and what it sees of them. */
export class BucketTap {
  /** The methods called, in order. */
  readonly calls: string[] = []
  /** Called before the bucket is; to throw is to drop the call. */
  before: (method: Method) => void = () => {}
  /** Called after the bucket has done it; to throw is to drop the reply. */
  after: (method: Method) => void = () => {}

  reset(): void {
    this.calls.length = 0
    this.before = () => {}
    this.after = () => {}
  }

  count(method: Method): number {
    return this.calls.filter((call) => call === method).length
  }
}

/** The same bucket, with a tap on its calls. */
export function tapped(bucket: Bucket, tap: BucketTap): Bucket {
  const call = async <T>(method: Method, run: () => Promise<T>): Promise<T> => {
    tap.calls.push(method)
    tap.before(method)
    const result = await run()
    tap.after(method)
    return result
  }
  return {
    name: bucket.name,
    createMultipartUpload: (request) =>
      call('createMultipartUpload', () => bucket.createMultipartUpload(request)),
    listParts: (target) => call('listParts', () => bucket.listParts(target)),
    listMultipartUploads: (key) =>
      call('listMultipartUploads', () => bucket.listMultipartUploads(key)),
    completeMultipartUpload: (request) =>
      call('completeMultipartUpload', () => bucket.completeMultipartUpload(request)),
    abortMultipartUpload: (target) =>
      call('abortMultipartUpload', () => bucket.abortMultipartUpload(target)),
    headObject: (key) => call('headObject', () => bucket.headObject(key)),
    readObject: (request) => call('readObject', () => bucket.readObject(request)),
    removeObject: (request) => call('removeObject', () => bucket.removeObject(request)),
    check: () => call('check', () => bucket.check()),
  }
}
