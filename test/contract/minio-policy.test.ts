import { randomUUID } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../infra/services/run.js'
import { connectS3 } from '../../src/bucket/index.js'
import { mcProgram, minioUrl } from '../helpers/services.js'

const SETUP = fileURLToPath(new URL('../../infra/minio/setup.sh', import.meta.url))

const POLICIES = ['infra/minio/policy.json', 'infra/aws/policy.json'].map(
  (name) => [name, fileURLToPath(new URL(`../../${name}`, import.meta.url))] as const,
)

describe.skipIf(minioUrl() === '' || mcProgram() === '').each(POLICIES)(
  'the policy %s on MinIO',
  (_, policy) => {
    const url = new URL(minioUrl() || 'http://none')
    const suffix = randomUUID()
    const bucket = `policy-${suffix}`
    const other = `other-${suffix}`
    const key = { accessKeyId: `key-${suffix.slice(0, 8)}`, secretAccessKey: suffix }
    const root = client({ accessKeyId: url.username, secretAccessKey: url.password })
    const server = client(key)
    const bucketOfServer = {
      bucket,
      endpoint: url.origin,
      region: 'us-east-1',
      credentials: key,
    }

    function client(credentials: { accessKeyId: string; secretAccessKey: string }): S3Client {
      return new S3Client({
        endpoint: url.origin,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials,
      })
    }

    const setUp = () =>
      run('sh', [SETUP], {
        env: {
          MC: mcProgram(),
          POLICY_FILE: policy,
          MINIO_ENDPOINT: url.origin,
          MINIO_ROOT_USER: url.username,
          MINIO_ROOT_PASSWORD: url.password,
          PARTWAY_BUCKET: bucket,
          PARTWAY_KEY_PREFIX: 'in/',
          AWS_ACCESS_KEY_ID: key.accessKeyId,
          AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
        },
      })

    const admin = (...args: string[]) =>
      run(mcProgram(), args, { env: { MC_HOST_policy: minioUrl().replace(/\/$/, '') } })

    beforeAll(async () => {
      await setUp()
      await root.send(new CreateBucketCommand({ Bucket: other }))
    })

    afterAll(async () => {
      await admin('rb', '--force', `policy/${bucket}`)
      await root.send(new DeleteBucketCommand({ Bucket: other }))
      await admin('admin', 'user', 'remove', 'policy', key.accessKeyId)
      await admin('admin', 'policy', 'remove', 'policy', `partway-${bucket}`)
      root.destroy()
      server.destroy()
    })

    it('lets the server do all that an upload needs', async () => {
      const at = { Bucket: bucket, Key: 'in/whole' }
      await server.send(new HeadBucketCommand({ Bucket: bucket }))
      const { UploadId } = await server.send(new CreateMultipartUploadCommand(at))
      const listed = await server.send(
        new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: at.Key }),
      )
      expect(listed.Uploads?.map((upload) => upload.UploadId)).toEqual([UploadId])
      const part = { ...at, UploadId, PartNumber: 1, Body: 'bytes' }
      const { ETag } = await server.send(new UploadPartCommand(part))
      const parts = await server.send(new ListPartsCommand({ ...at, UploadId }))
      expect(parts.Parts?.map((one) => one.ETag)).toEqual([ETag])
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
      await server.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload }))
      const head = await server.send(new HeadObjectCommand(at))
      expect(head.ContentLength).toBe(5)
      const object = await server.send(new GetObjectCommand(at))
      expect(await object.Body?.transformToString()).toBe('bytes')
    })

    it('lets the server abort an upload', async () => {
      const at = { Bucket: bucket, Key: 'in/aborted' }
      const { UploadId } = await server.send(new CreateMultipartUploadCommand(at))
      await server.send(new AbortMultipartUploadCommand({ ...at, UploadId }))
      await expect(server.send(new ListPartsCommand({ ...at, UploadId }))).rejects.toMatchObject({
        name: 'NoSuchUpload',
      })
    })

    it('tells an absent object from a forbidden one', async () => {
      await expect(
        server.send(new HeadObjectCommand({ Bucket: bucket, Key: 'in/absent' })),
      ).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } })
    })

    async function removesWhatItRead(at: { Bucket: string; Key: string }): Promise<void> {
      const connection = connectS3(bucketOfServer)
      try {
        const put = await root.send(new PutObjectCommand({ ...at, Body: 'bytes' }))
        const etag = put.ETag?.replaceAll('"', '') ?? ''
        const version = put.VersionId === undefined ? {} : { versionId: put.VersionId }
        const object = { key: at.Key, etag, ...version }
        const found = await connection.bucket.readObject({ ...object, start: 0, end: 5 })
        expect(found.kind === 'found' && String(await buffer(found.bytes))).toBe('bytes')
        expect(await connection.bucket.removeObject(object)).toBe('removed')
      } finally {
        connection.close()
      }
    }

    it('lets the server remove an object, which has to be read for that', async () => {
      const at = { Bucket: bucket, Key: 'in/wrong' }
      await removesWhatItRead(at)
      await expect(root.send(new HeadObjectCommand(at))).rejects.toMatchObject({ name: 'NotFound' })
    })

    it('lets the server find out what the bucket can do, and leaves nothing there', async () => {
      const connection = connectS3(bucketOfServer)
      try {
        for (let time = 0; time < 2; time++) {
          const clock = { now: () => Date.now() }
          const report = await connection.probe({ keyPrefix: 'in/', clock })
          expect(report.faults).toEqual([])
          expect(report.findings.map(({ level }) => level)).toEqual(report.findings.map(() => 'ok'))
          expect(report.flags).toMatchObject({ ifNoneMatchOnComplete: 'yes', sha256Root: 'yes' })
        }
        const rights = await connection.housekeeping.rights('in/')
        expect(rights).toEqual({ mayDelete: 'yes', mayReadPolicy: 'no' })
        const folder = { Bucket: bucket, Prefix: 'in/.partway-probe/' }
        const { Contents = [] } = await root.send(new ListObjectsV2Command(folder))
        expect(Contents).toEqual([])
        const uploads = await root.send(
          new ListMultipartUploadsCommand({ ...folder, Prefix: 'in/.partway-probe/object' }),
        )
        expect(uploads.Uploads ?? []).toEqual([])
      } finally {
        connection.close()
      }
    })

    it('refuses to read and write outside the prefix', async () => {
      const at = { Bucket: bucket, Key: 'elsewhere' }
      await refused(server.send(new PutObjectCommand({ ...at, Body: 'x' })))
      await refused(server.send(new CreateMultipartUploadCommand(at)))
      await root.send(new PutObjectCommand({ ...at, Body: 'secret' }))
      await refused(server.send(new GetObjectCommand(at)))
      await refused(server.send(new DeleteObjectCommand(at)))
    })

    it('refuses to have more than objects and their uploads to do with the bucket', async () => {
      const at = { Bucket: bucket }
      const open = {
        Effect: 'Allow',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: `arn:aws:s3:::${bucket}/*`,
      }
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [open] })
      const Status = 'Enabled' as const
      const Rules = [{ ID: 'x', Status, Filter: { Prefix: '' }, Expiration: { Days: 1 } }]
      const byDefault = { SSEAlgorithm: 'AES256' } as const
      const ServerSideEncryptionConfiguration = {
        Rules: [{ ApplyServerSideEncryptionByDefault: byDefault }],
      }
      const calls = [
        server.send(new DeleteBucketCommand(at)),
        server.send(new PutBucketVersioningCommand({ ...at, VersioningConfiguration: { Status } })),
        server.send(new GetBucketVersioningCommand(at)),
        server.send(new GetBucketPolicyCommand(at)),
        server.send(new PutBucketPolicyCommand({ ...at, Policy })),
        server.send(new DeleteBucketPolicyCommand(at)),
        server.send(
          new PutBucketLifecycleConfigurationCommand({ ...at, LifecycleConfiguration: { Rules } }),
        ),
        server.send(new PutBucketEncryptionCommand({ ...at, ServerSideEncryptionConfiguration })),
      ]
      await Promise.all(calls.map(refused))
    })

    it('refuses what an upload never needs of an object', async () => {
      const at = { Bucket: bucket, Key: 'in/tagged' }
      await root.send(new PutObjectCommand({ ...at, Body: 'x' }))
      const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] }
      await refused(server.send(new PutObjectTaggingCommand({ ...at, Tagging })))
      await refused(server.send(new DeleteObjectTaggingCommand(at)))
    })

    it('refuses to reach outside the prefix by a detour', async () => {
      const elsewhere = { Bucket: bucket, Key: 'elsewhere/secret' }
      await root.send(new PutObjectCommand({ ...elsewhere, Body: 'secret' }))
      const CopySource = `${bucket}/elsewhere/secret`
      await refused(
        server.send(new CopyObjectCommand({ Bucket: bucket, Key: 'in/copy', CopySource })),
      )
      const Delete = { Objects: [{ Key: elsewhere.Key }] }
      const deleted = await server.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }))
      expect(deleted.Errors).toMatchObject([{ Key: elsewhere.Key, Code: 'AccessDenied' }])
      const { UploadId } = await root.send(new CreateMultipartUploadCommand(elsewhere))
      const others = { ...elsewhere, UploadId }
      await refused(server.send(new ListPartsCommand(others)))
      await refused(server.send(new UploadPartCommand({ ...others, PartNumber: 1, Body: 'x' })))
      await refused(server.send(new AbortMultipartUploadCommand(others)))
      await refused(server.send(new HeadObjectCommand(elsewhere)))
      const { Body } = await root.send(new GetObjectCommand(elsewhere))
      expect(await Body?.transformToString()).toBe('secret')
    })

    it('signs URLs that are refused outside the prefix', async () => {
      const connection = connectS3(bucketOfServer)
      try {
        const target = { key: 'elsewhere/signed', multipartId: 'none', checksum: 'none' } as const
        const parts = [{ index: 1, size: 1 }]
        const [part] = await connection.signer.signParts({ ...target, parts, expiresInSeconds: 60 })
        const reply = await fetch(part?.url ?? '', { method: 'PUT', body: 'x' })
        expect(reply.status).toBe(403)
        expect(await reply.text()).toContain('AccessDenied')
      } finally {
        connection.close()
      }
    })

    it('shows no other bucket, and lets nobody administrate the server', async () => {
      const { Buckets = [] } = await server.send(new ListBucketsCommand({}))
      expect(Buckets.map(({ Name }) => Name)).toEqual([bucket])
      const asServer = `${url.protocol}//${key.accessKeyId}:${key.secretAccessKey}@${url.host}`
      for (const args of [
        ['admin', 'info', 'server'],
        ['admin', 'user', 'list', 'server'],
        ['admin', 'policy', 'list', 'server'],
      ]) {
        const call = run(mcProgram(), args, { env: { MC_HOST_server: asServer } })
        await expect(call, args.join(' ')).rejects.toThrow(/Access ?Denied/i)
      }
    })

    it('refuses another bucket, and to make one', async () => {
      await refused(server.send(new ListObjectsV2Command({ Bucket: other })))
      await refused(server.send(new PutObjectCommand({ Bucket: other, Key: 'in/x', Body: 'x' })))
      await refused(server.send(new CreateBucketCommand({ Bucket: `more-${suffix}` })))
    })

    it('can be set up again without harm', async () => {
      await setUp()
      await server.send(new HeadBucketCommand({ Bucket: bucket }))
    })

    it('lets the server remove the one version that is meant where there are versions', async () => {
      const at = { Bucket: bucket, Key: 'in/versions' }
      const VersioningConfiguration = { Status: 'Enabled' } as const
      await root.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
      await root.send(new PutObjectCommand({ ...at, Body: 'before' }))
      await removesWhatItRead(at)
      const ofKey = { Bucket: bucket, Prefix: at.Key }
      const listed = await root.send(new ListObjectVersionsCommand(ofKey))
      expect(listed.Versions?.map(({ Size }) => Size)).toEqual([6])
      expect(listed.DeleteMarkers ?? []).toEqual([])
    })
  },
)

async function refused(call: Promise<unknown>): Promise<void> {
  await expect(call).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } })
}
