import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** A test by its file and its title. */
export type Check = { file: string; test: string }
export type Defect = { name: string; what: string; caughtBy: Check; unnoticedBy: Check; patchFile: string }

/** The head of each patch says what it breaks and which check notices. */
export const readDefects = (): Defect[] =>
  readdirSync(import.meta.dirname)
    .filter(name => name.endsWith('.patch'))
    .map(name => readDefect(join(import.meta.dirname, name)))

function readDefect(patchFile: string): Defect {
  const text = readFileSync(patchFile, 'utf8')
  const line = (name: string) => {
    const found = new RegExp(`^${name}: (.+)$`, 'm').exec(text)?.[1]
    if (!found) throw new Error(`${patchFile} has no line "${name}: …".`)
    return found
  }
  const check = (name: string): Check => {
    const [file, test] = line(name).split(' › ')
    if (!file || !test) throw new Error(`"${name}" in ${patchFile} is not "file › title of a test".`)
    return { file, test }
  }
  return {
    name: basename(patchFile, '.patch').replaceAll('-', ' '),
    what: line('Defect'),
    caughtBy: check('Caught by'),
    unnoticedBy: check('Unnoticed by'),
    patchFile,
  }
}
