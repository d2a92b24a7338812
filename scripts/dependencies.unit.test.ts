import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** docs/dependencies.md says what all of this is for. */
const root = join(import.meta.dirname, '..')
const readJson = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'))

type Locked = {
  version?: string
  license?: string
  hasInstallScript?: boolean
  link?: boolean
  integrity?: string
}
const locked = Object.entries(readJson('package-lock.json').packages as Record<string, Locked>)
  .filter(([path, { link }]) => path.includes('node_modules/') && !link)
  .map(([path, entry]) => ({ name: path.split('node_modules/').at(-1)!, ...entry }))

const manifests = ['package.json', ...globSync('*/package.json', { cwd: root })].map(readJson)
type Ranges = Record<string, string>
const rangesOf = (kind: string) =>
  manifests.flatMap(manifest => Object.entries((manifest[kind] ?? {}) as Ranges))
const isOurs = (range: string) => range === '*'
const pinned = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap(rangesOf)
const direct = [...new Set(pinned.filter(([, range]) => !isOurs(range)).map(([name]) => name))].toSorted()

const page = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')
const rowsUnder = (heading: string) =>
  (page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '')
    .split('\n')
    .filter(line => /^\| [^-]/.test(line))
    .slice(1)
    .map(line => line.split(' | ').map(cell => cell.replace(/^\| | \|$/g, '')))

const allowed = new Set([
  ...['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'Python-2.0'],
  ...['Unlicense', 'CC0-1.0', 'WTFPL', 'OFL-1.1', 'MPL-2.0'],
])
/** They name none where npm looks; their files were read. */
const readByHand: Record<string, string> = Object.fromEntries(
  ['buildcheck', 'cpu-features', 'httpntlm', 'ssh2', 'stack-trace'].map(name => [name, 'MIT']),
)

test('every licence is on the list of those that are allowed', () => {
  expect(locked.length).toBeGreaterThan(300)
  const others = locked.filter(({ name, license = readByHand[name] ?? 'none' }) => {
    const choices = license.replace(/[()]/g, '').split(' OR ')
    return !choices.some(choice => allowed.has(choice))
  })
  expect(others.map(({ name, license }) => `${name}: ${license}`)).toEqual([])
})

test('every version is exact, and the lock file knows what each package is by its digest', () => {
  expect(pinned.filter(([, range]) => !isOurs(range) && !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(range))).toEqual([])
  expect(locked.filter(({ version, integrity }) => !version || !integrity)).toEqual([])
})

test('each direct dependency is on the page, with what it is for and its licence', () => {
  const licences = Object.fromEntries(
    direct.map(name => [name, locked.find(entry => entry.name === name)?.license ?? 'none']),
  )
  expect(Object.fromEntries(rowsUnder('Direct ones').map(([name, , , licence]) => [name, licence]))).toEqual(
    licences,
  )
})

test('each install script is allowed or not, and the page says why', () => {
  const allowScripts = readJson('package.json').allowScripts as Record<string, boolean>
  const withScript = locked.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name)
  expect(Object.keys(allowScripts).toSorted()).toEqual([...new Set(withScript)].toSorted())
  const said = rowsUnder('Install scripts').map(([name, runs, why]) => [name, runs === 'yes' && why !== ''])
  expect(Object.fromEntries(said)).toEqual(allowScripts)
})
