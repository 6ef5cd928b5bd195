import type { TestProject } from 'vitest/node'

export function setup(project: TestProject): void {
  project.provide('redisUrl', process.env.PARTWAY_TEST_REDIS_URL ?? '')
  project.provide('minioUrl', process.env.PARTWAY_TEST_MINIO_URL ?? '')
  project.provide('versitygwUrl', process.env.PARTWAY_TEST_VERSITYGW_URL ?? '')
}
