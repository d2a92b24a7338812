import { rmSync } from 'node:fs'
import { optionsOrExit } from './command-line.ts'
import { stopProcess } from './infrastructure/processes.ts'
import { isOwnerAlive, readRunRecord, stopOrphans } from './infrastructure/run-record.ts'
import { parseStopOptions } from './system/options.ts'
import { loadEnvironmentFile, readSettings } from './system/settings.ts'

/** The sum of what the supervisor allows its parts, and a little. */
const stopMsMax = 50_000
const orphanStopMsMax = 15_000

optionsOrExit(parseStopOptions(process.argv.slice(2)))
loadEnvironmentFile()
const path = readSettings(process.env).runRecord
const state = readRunRecord(path)
const startedAt = Date.now()

if (!state) {
  console.log('Nothing is running.')
} else if (isOwnerAlive(state)) {
  console.log(`Stopping the system with pid ${state.owner.pid}…`)
  const how = await stopProcess(state.owner, 'SIGTERM', stopMsMax)
  const left = await stopOrphans(state, orphanStopMsMax)
  rmSync(path, { force: true })
  const names = state.children.map(({ name }) => name).join(', ')
  const took = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`
  console.log(
    how === 'killed' || left.length > 0
      ? `It did not stop by itself and was killed after ${took}: ${names}.`
      : `Stopped in ${took}: ${names}. Data stays for the next start.`,
  )
} else {
  const left = await stopOrphans(state, orphanStopMsMax)
  rmSync(path, { force: true })
  console.log(
    left.length > 0
      ? `The system had been killed and had left ${left.join(', ')} running; stopped them.`
      : 'Nothing is running.',
  )
}
