import { afterEach, describe, expect, it } from 'vitest'
import { connectS3, type S3Connection } from '../../../src/bucket/index.js'
import { type ScriptedReply, type ScriptedServer, scriptedServer } from './scripted-server.js'

const rule = (days: number, { prefix = '', status = 'Enabled' } = {}) =>
  `<Rule><Status>${status}</Status><Filter><Prefix>${prefix}</Prefix></Filter>
   <AbortIncompleteMultipartUpload><DaysAfterInitiation>${days}</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>`
const rules = (...all: string[]): ScriptedReply => ({
  status: 200,
  body: `<LifecycleConfiguration>${all.join('')}</LifecycleConfiguration>`,
})
const refusal = (status: number, code: string): ScriptedReply => ({
  status,
  body: `<Error><Code>${code}</Code></Error>`,
})

describe('housekeeping', () => {
  let server: ScriptedServer
  let s3: S3Connection
  afterEach(async () => {
    s3.close()
    await server.stop()
  })

  async function answering(...script: ScriptedReply[]) {
    server = await scriptedServer(script)
    s3 = connectS3({
      bucket: 'b',
      region: 'us-east-1',
      endpoint: server.url,
      credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    })
    return s3.housekeeping
  }

  it.each<[string, ScriptedReply, object]>([
    ['the shortest rule that is for our keys', rules(rule(9), rule(3)), { kind: 'days', days: 3 }],
    [
      'a rule for what our keys begin with',
      rules(rule(2, { prefix: 'in/' })),
      { kind: 'days', days: 2 },
    ],
    ['no rule for other keys', rules(rule(2, { prefix: 'out/' })), { kind: 'no-rule' }],
    ['no rule that is turned off', rules(rule(2, { status: 'Disabled' })), { kind: 'no-rule' }],
    ['that there is none', refusal(404, 'NoSuchLifecycleConfiguration'), { kind: 'no-rule' }],
    ['nothing when it may not ask', refusal(403, 'AccessDenied'), { kind: 'unknown' }],
    ['nothing when there is no such call', refusal(501, 'NotImplemented'), { kind: 'unknown' }],
  ])('finds %s', async (_, reply, kept) => {
    const housekeeping = await answering(reply)
    expect(await housekeeping.keptUploads('in/')).toEqual(kept)
  })

  it('takes no fault for an answer', async () => {
    const housekeeping = await answering(refusal(404, 'NoSuchBucket'))
    await expect(housekeeping.keptUploads('in/')).rejects.toThrow()
  })

  it('tells what the credentials may do from how they are refused', async () => {
    const housekeeping = await answering(
      refusal(403, 'AccessDenied'),
      refusal(404, 'NoSuchBucketPolicy'),
    )
    const rights = { mayDelete: 'no', mayReadPolicy: 'yes' }
    expect(await housekeeping.rights('in/')).toEqual(rights)
    expect(server.requests[0]).toMatch(/^DELETE \/b\/in\/\.partway-probe\//)
  })

  it('reads when the latest part was stored from every page', async () => {
    const page = (at: string, more: string) => ({
      status: 200,
      body: `<ListPartsResult><Part><PartNumber>1</PartNumber><LastModified>${at}</LastModified></Part>${more}</ListPartsResult>`,
    })
    const next = '<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>'
    const last = '<IsTruncated>false</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker>'
    const [older, later] = ['2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z']
    const housekeeping = await answering(page(later, next), page(older, last))
    const target = { key: 'k', multipartId: 'm' }
    expect(await housekeeping.lastPartAt(target)).toBe(Date.parse(later))
    expect(server.requests).toHaveLength(2)
  })

  it('finds no part of an upload that is gone', async () => {
    const housekeeping = await answering(refusal(404, 'NoSuchUpload'))
    expect(await housekeeping.lastPartAt({ key: 'k', multipartId: 'm' })).toBeUndefined()
  })

  it('does not follow pages in a circle', async () => {
    const circle = {
      status: 200,
      body: '<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker></ListPartsResult>',
    }
    const housekeeping = await answering(circle)
    await expect(housekeeping.lastPartAt({ key: 'k', multipartId: 'm' })).rejects.toThrow('circle')
  })
})
