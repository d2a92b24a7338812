import type { TestProject } from 'vitest/node'
import { type LaunchedSystem, launchSystem, type SystemAddresses } from './launch-system.ts'
import { provideInfrastructure, releaseInfrastructure } from './setup-infrastructure.ts'

declare module 'vitest' {
  interface ProvidedContext {
    testSystem: SystemAddresses
  }
}

let system: LaunchedSystem | undefined

/** One whole system for all files of the project, started once: a start costs more than most tests. */
export async function setup(project: TestProject): Promise<void> {
  const { databaseServer } = await provideInfrastructure(project)
  system = await launchSystem(databaseServer)
  project.provide('testSystem', system.addresses)
}

export async function teardown(): Promise<void> {
  await system?.stop()
  await releaseInfrastructure()
}
