import { defineConfig } from 'vitest/config'
import { FaultsReporter } from './test/faults/faults-reporter.js'

export default defineConfig({
  test: {
    reporters: ['default', new FaultsReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{unit,http,client}/**/*.test.ts'],
          // Against what hangs: how fast the machine is says nothing.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'model',
          include: ['test/model/**/*.test.ts'],
        },
      },
      {
        // On the embedded bucket, so it needs no service.
        test: {
          name: 'local-bucket',
          include: ['test/{local-bucket,examples}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'services',
          include: ['test/{contract,e2e,scale}/**/*.test.ts'],
          globalSetup: ['test/helpers/services.setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['test/browser/support/browser.setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: 60_000 } },
          // Each file drives a browser of its own.
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: 'deploy',
          include: ['test/deploy/**/*.test.ts'],
          globalSetup: ['test/deploy/support/deploy.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 600_000,
          // They share one engine.
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          globalSetup: ['test/helpers/services.setup.ts'],
          // A case waits for its turn, and for the locks and leases of servers that were killed.
          testTimeout: 300_000,
          hookTimeout: 120_000,
          // The cases mostly wait for time-outs and leases.
          maxConcurrency: 10,
          maxWorkers: 2,
          // After the others: what they take of the machine would look like a slow bucket.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
