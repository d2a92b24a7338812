import { watch } from 'node:fs'
import { join } from 'node:path'
import { folderOf, type ServiceName, serviceNames } from './services.ts'
import { projectFolder } from './settings.ts'
import type { System } from './system.ts'
import { say } from './terminal.ts'

/** An editor writes one file in several steps, and a checkout many files at once. */
const quietMs = 200
/** Sources that every service runs. */
const sharedFolders = ['edge/src', 'messaging/src']
const migrationFolders = ['migrations', 'messaging/migrations']

/** Restarts the services whose sources change, until the signal is aborted. */
export function watchSources(system: System, signal: AbortSignal): void {
  const services = serviceNames().filter(name => name !== 'ui')
  const changed = new Set<ServiceName>()
  let migrate = false
  let timer: NodeJS.Timeout | undefined

  function onChange(names: readonly ServiceName[], isMigration: boolean): void {
    for (const name of names) changed.add(name)
    migrate ||= isMigration
    clearTimeout(timer)
    timer = setTimeout(() => void restartChanged(), quietMs)
  }

  async function restartChanged(): Promise<void> {
    const names = [...changed]
    const migrateFirst = migrate
    changed.clear()
    migrate = false
    say(`Changed: restarting ${names.map(folderOf).join(', ')}.`)
    try {
      if (migrateFirst) await system.migrate()
    } catch (error) {
      say((error as Error).message)
    }
    await Promise.all(names.map(name => system.restart(name)))
  }

  function follow(folder: string, names: readonly ServiceName[], isMigration = false): void {
    const wanted = isMigration ? /\.(sql|ts)$/ : /^(?!.*\.test\.ts$).*\.ts$/
    const watcher = watch(join(projectFolder, folder), { recursive: true, signal }, (_, file) => {
      if (file && wanted.test(file)) onChange(names, isMigration)
    })
    watcher.on('error', error => say(`Changes in ${folder} are not noticed any more: ${error.message}`))
  }

  for (const folder of sharedFolders) follow(folder, services)
  for (const folder of migrationFolders) follow(folder, services, true)
  for (const name of services) follow(join(folderOf(name), 'src'), [name])
  say('Watching the sources: a change restarts the services that run it.')
}
