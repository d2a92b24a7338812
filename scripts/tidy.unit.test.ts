import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'

/** Style that a linter does not know: see CONTRIBUTING.md. */
const root = join(import.meta.dirname, '..')
const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean)
const sources = tracked.filter(path => /\.(ts|tsx|mjs)$/.test(path) && existsSync(join(root, path)))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** They decide, and are told the time, the ids and the chance. */
const pure = [
  'messaging/src/backoff.ts',
  'messaging/src/snapshot.ts',
  'orders-service/src/orders/order.ts',
  'payments-service/src/accounts/account.ts',
  'payments-service/src/payments/payment.ts',
]
const pureImports = /^(\.|edge\/money$)/
const impure =
  /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bperformance\b|\bfetch\(|\bset(Timeout|Interval)\b|\bawait\b/

test.each(pure)('%s imports no I/O and asks neither clock nor chance', path => {
  const text = read(path)
  const imported = [...text.matchAll(/^import (?!type\b).* from '(.*)'$/gm)].map(([, from]) => from as string)
  expect(imported.filter(from => !pureImports.test(from))).toEqual([])
  for (const from of imported.filter(from => from.startsWith('.'))) {
    expect(
      pure.map(file => basename(file)),
      `${path} imports ${from}`,
    ).toContain(basename(from))
  }
  expect(text.match(impure)).toBeNull()
})

test('failpoints are armed by tests only, so that no running service can be told to fail', () => {
  const arming = sources.filter(path => /\barmFailpoints\b/.test(read(path)))
  expect(arming.filter(path => !path.startsWith('e2e/') && !path.endsWith('.test.ts'))).toEqual([
    'messaging/src/failpoint.ts',
  ])
})

/** What is shared looks at nobody who shares it, and no service at another; tests may. */
const mayImport = {
  messaging: [],
  edge: ['messaging'],
  migrations: ['edge', 'messaging'],
  'orders-service': ['edge', 'messaging'],
  'payments-service': ['edge', 'messaging'],
  gateway: ['edge', 'messaging'],
  ui: ['edge'],
}
const workspaces: string[] = JSON.parse(read('package.json')).workspaces

test.each(Object.entries(mayImport))('%s imports of the other packages %j at most', (name, allowed) => {
  const own = sources.filter(path => path.startsWith(`${name}/`) && !/test|fixture|-suite/.test(path))
  const imported = own.flatMap(path =>
    [...read(path).matchAll(/(?:from |import\()'([^']+)'/g)].map(([, from = '']) => {
      const [first = ''] = (from.startsWith('.') ? join(path, '..', from) : from).split('/')
      return { path, first }
    }),
  )
  expect(own.length).toBeGreaterThan(0)
  expect(
    imported.filter(({ first }) => workspaces.includes(first) && ![name, ...allowed].includes(first)),
  ).toEqual([])
})

test('no function, class or constant is exported that no other file names', () => {
  const namedIn = new Map<string, number>()
  for (const path of sources) {
    const words = new Set(read(path).match(/\w+/g))
    for (const word of words) namedIn.set(word, (namedIn.get(word) ?? 0) + 1)
  }
  const exported = /^export (?:async )?(?:function\*?|const|class) (\w+)/gm
  const unused = sources.flatMap(path =>
    [...read(path).matchAll(exported)]
      .filter(([, name]) => namedIn.get(name as string) === 1)
      .map(([, name]) => `${path}: ${name}`),
  )
  expect(unused).toEqual([])
})

const linesMax = 300
test(`no source file is longer than ${linesMax} lines`, () => {
  const isTest = (path: string) => /\.(test|fixture)\.tsx?$/.test(path) || path.startsWith('e2e/')
  const isGenerated = (path: string) => path.endsWith('/schema.d.ts')
  const long = sources.filter(
    path => !isTest(path) && !isGenerated(path) && read(path).split('\n').length > linesMax,
  )
  expect(long).toEqual([])
})

test('no file or folder is named for being left over', () => {
  expect(tracked.filter(path => /(^|\/)(utils?|common|helpers?|misc)(\/|\.)/.test(path))).toEqual([])
})

test('the lock file records no download address, and no file a path of one machine', () => {
  expect(read('package-lock.json').match(/"resolved": "https?:/)).toBeNull()
  const machinePath = new RegExp(`(^|[\\s"'\`(])/(${['root', 'work'].join('|')}|home/\\w+)/`)
  expect(sources.filter(path => machinePath.test(read(path)))).toEqual([])
})

test('each decision is in the index of decisions', () => {
  const index = read('docs/decisions/README.md')
  const decisions = tracked.filter(path => /^docs\/decisions\/\d/.test(path)).map(path => basename(path))
  expect(decisions.filter(name => !index.includes(`(${name})`))).toEqual([])
  const linked = [...index.matchAll(/\((\d[^)]*\.md)\)/g)].map(([, name]) => name as string)
  expect(linked.filter(name => !decisions.includes(name))).toEqual([])
})

test('links between documents lead to files', () => {
  const documents = tracked.filter(path => path.endsWith('.md') && existsSync(join(root, path)))
  const broken = documents.flatMap(path =>
    [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
      .map(([, target]) => join(path, '..', target as string))
      .filter(target => !existsSync(join(root, target)))
      .map(target => `${path} → ${target}`),
  )
  expect(broken).toEqual([])
})
