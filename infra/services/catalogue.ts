import { answersHttp, answersPing } from './answers.js'
import type { Credentials, Service, ServiceName } from './service.js'

/** MinIO has been source only since October 2025; this is its last release of that form. */
export const MINIO_MODULE = 'github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c'
export const VERSITYGW_MODULE = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0'

const MINIO_HEALTH = '/minio/health/ready'
// No bucket can have this name, so the path hides nothing.
const VERSITYGW_HEALTH = '/_health'

const redis: Service = {
  name: 'redis',
  title: 'Redis',
  variable: 'PARTWAY_TEST_REDIS_URL',
  program: 'redis-server',
  image: {
    name: 'redis:8.2.3-alpine',
    variable: 'PARTWAY_TEST_REDIS_IMAGE',
    port: 6379,
    folder: '/data',
    ready: { log: /Ready to accept connections/ },
  },
  launch: ({ host, port, folder }, { password }) => ({
    args: [
      ...['--bind', host, '--port', String(port), '--dir', folder],
      ...['--requirepass', password, '--save', '', '--appendonly', 'no'],
    ],
    env: {},
  }),
  url: ({ host, port }, { password }) => `redis://:${password}@${host}:${port}`,
  answers: answersPing,
}

const minio: Service = {
  name: 'minio',
  title: 'MinIO',
  variable: 'PARTWAY_TEST_MINIO_URL',
  program: 'minio',
  image: {
    // The last image that MinIO published, older than the source above. It is gone from Docker Hub.
    name: 'quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z',
    variable: 'PARTWAY_TEST_MINIO_IMAGE',
    port: 9000,
    folder: '/data',
    ready: { path: MINIO_HEALTH },
  },
  launch: ({ host, port, consolePort, folder }, { user, password }) => ({
    args: [
      ...['server', '--address', `${host}:${port}`],
      ...['--console-address', `${host}:${consolePort}`, folder],
    ],
    env: { MINIO_ROOT_USER: user, MINIO_ROOT_PASSWORD: password, MINIO_UPDATE: 'off' },
  }),
  url: bucketUrl,
  answers: (url) => answersHttp(url, MINIO_HEALTH),
}

const versitygw: Service = {
  name: 'versitygw',
  title: 'VersityGW',
  variable: 'PARTWAY_TEST_VERSITYGW_URL',
  program: 'versitygw',
  image: {
    name: 'ghcr.io/versity/versitygw:v1.8.0',
    variable: 'PARTWAY_TEST_VERSITYGW_IMAGE',
    port: 7070,
    folder: '/tmp/vgw',
    ready: { path: VERSITYGW_HEALTH },
  },
  launch: ({ host, port, folder }, { user, password }) => ({
    args: ['--port', `${host}:${port}`, '--health', VERSITYGW_HEALTH, 'posix', folder],
    env: { ROOT_ACCESS_KEY: user, ROOT_SECRET_KEY: password },
  }),
  url: bucketUrl,
  answers: (url) => answersHttp(url, VERSITYGW_HEALTH),
}

export const CATALOGUE: Readonly<Record<ServiceName, Service>> = { redis, minio, versitygw }

function bucketUrl({ host, port }: { host: string; port: number }, auth: Credentials): string {
  return `http://${auth.user}:${auth.password}@${host}:${port}`
}
