import type { TestProject } from 'vitest/node'
import { type RunningInfrastructure, startInfrastructure, type TestInfrastructure } from './infrastructure.ts'

declare module 'vitest' {
  interface ProvidedContext {
    testInfrastructure: TestInfrastructure
  }
}

/** Set by scripts/test.ts, which starts the servers once for the runs of all projects. */
const shared = process.env.TEST_INFRA_RUNNING

/** Two projects of one Vitest process load this module twice and share one set of servers. */
const state = globalThis as { testServers?: { users: number; running: Promise<RunningInfrastructure> } }

export async function setup(project: TestProject): Promise<void> {
  if (shared) {
    project.provide('testInfrastructure', JSON.parse(shared))
    return
  }
  state.testServers ??= { users: 0, running: startInfrastructure() }
  state.testServers.users++
  const { infrastructure } = await state.testServers.running
  project.provide('testInfrastructure', infrastructure)
}

export async function teardown(): Promise<void> {
  const servers = state.testServers
  if (!servers || --servers.users > 0) return
  delete state.testServers
  await (await servers.running).stop()
}
