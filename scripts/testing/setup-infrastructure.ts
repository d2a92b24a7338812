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

export const setup = async (project: TestProject): Promise<void> =>
  void (await provideInfrastructure(project))
export const teardown = (): Promise<void> => releaseInfrastructure()

export async function provideInfrastructure(project: TestProject): Promise<TestInfrastructure> {
  const infrastructure = shared ? (JSON.parse(shared) as TestInfrastructure) : await useServers()
  project.provide('testInfrastructure', infrastructure)
  return infrastructure
}

async function useServers(): Promise<TestInfrastructure> {
  state.testServers ??= { users: 0, running: startInfrastructure() }
  state.testServers.users++
  return (await state.testServers.running).infrastructure
}

export async function releaseInfrastructure(): Promise<void> {
  const servers = state.testServers
  if (!servers || --servers.users > 0) return
  delete state.testServers
  await (await servers.running).stop()
}
