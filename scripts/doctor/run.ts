import { ConfigError } from 'edge/config'
import { examine } from './examine.ts'
import { closeInstallation, type Installation, installationOf } from './installation.ts'
import type { DoctorOptions } from './options.ts'
import { examinationLines } from './words.ts'

/** Answers the exit code: 1 for faults, 0 for advice and for nothing, 2 where it was not told how to look. */
export async function runDoctor({ env, asJson }: DoctorOptions, say = console.log): Promise<number> {
  let installation: Installation
  try {
    installation = installationOf(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    say(error.message)
    return 2
  }
  try {
    const { databases, kafka, services } = installation
    const parts = [...databases, ...(kafka ? [kafka] : [])].map(({ where, at }) => `${where} at ${at}`)
    const calls = services.map(({ where, url }) => `${where} at ${url}`)
    if (!asJson) say(`Looking at\n${[...parts, ...calls].map(part => `  ${part}`).join('\n')}\n`)
    const examination = await examine(installation)
    say(asJson ? JSON.stringify(examination, null, 2) : examinationLines(examination).join('\n'))
    return examination.status === 'faults' ? 1 : 0
  } finally {
    await closeInstallation(installation)
  }
}
