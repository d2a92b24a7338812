import { defineConfig } from 'vitest/config'

/** Two cores: Postgres, Kafka and the services need one of them. */
const maxWorkers = 2
/** A busy machine may stand still for a second, which is what `expect.poll` waits by itself. */
const expect = { poll: { timeout: 10_000 } }
const setUp = (part: string) => `./scripts/testing/setup-${part}.ts`

export default defineConfig({
  test: {
    projects: [
      // Properties are tried a hundred times: on a busy machine that takes more than ten seconds, and says nothing.
      { test: { name: 'unit', include: ['**/*.unit.test.ts'], testTimeout: 30_000, maxWorkers } },
      {
        test: {
          name: 'simulation',
          include: ['simulation/*.sim.test.ts'],
          setupFiles: './simulation/replace.ts',
          maxWorkers,
        },
      },
      {
        test: {
          name: 'int',
          include: ['**/*.int.test.ts'],
          expect,
          globalSetup: setUp('infrastructure'),
          testTimeout: 30_000,
          hookTimeout: 60_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'proof',
          include: ['e2e/**/*.proof.test.ts'],
          expect,
          globalSetup: setUp('infrastructure'),
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.test.ts'],
          expect,
          globalSetup: setUp('system'),
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Whole systems: two at once would only measure each other.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
