import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { testBrokers, testDatabase, uniqueName } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const modules = join(root, 'node_modules')
const run = promisify(execFile)
const removed: string[] = []
let project: string
let manifest: { [part: string]: Record<string, string> }
let packed: string[]

/** What `npm pack` makes of the package, unpacked into a project that has nothing but what the package declares. */
beforeAll(async () => {
  // Of a copy: packing rewrites package.json for a moment. Within the project, for the compiler and the types.
  await mkdir(join(root, '.data'), { recursive: true })
  const copy = await mkdtemp(join(root, '.data/pack-'))
  project = await mkdtemp(join(tmpdir(), 'empty-project-'))
  removed.push(copy, project)
  await cp(join(root, 'tsconfig.json'), join(copy, 'tsconfig.json'))
  await cp(import.meta.dirname, join(copy, 'messaging'), {
    recursive: true,
    filter: source => !/(node_modules|dist)$/.test(source),
  })
  const { stdout } = await run('npm', ['pack', '--json', '--silent', `--pack-destination=${copy}`], {
    cwd: join(copy, 'messaging'),
  })
  const [{ filename, files }] = JSON.parse(stdout)
  packed = files.map(({ path }: { path: string }) => path)
  await mkdir(join(project, 'node_modules/messaging'), { recursive: true })
  await run('tar', ['-xzf', join(copy, filename), '--strip-components=1', '-C', 'node_modules/messaging'], {
    cwd: project,
  })
  manifest = JSON.parse(await readFile(join(project, 'node_modules/messaging/package.json'), 'utf8'))
  const installed = [
    '@types/node',
    ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
  ]
  for (const name of installed) {
    await mkdir(dirname(join(project, 'node_modules', name)), { recursive: true })
    await symlink(join(modules, name), join(project, 'node_modules', name))
  }
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
  for (const example of ['parcels.ts', 'main.ts'])
    await cp(join(import.meta.dirname, 'examples', example), join(project, example))
  expect(JSON.parse(await readFile(join(copy, 'messaging/package.json'), 'utf8'))).toEqual(
    JSON.parse(await readFile(join(import.meta.dirname, 'package.json'), 'utf8')),
  )
})
afterAll(async () => {
  for (const folder of removed) await rm(folder, { recursive: true, force: true })
})

test('the package has its compiled code, types, migrations and words, and no source and no test', () => {
  for (const [, target] of Object.entries(manifest.exports!).filter(([name]) => !/[*]|package/.test(name))) {
    expect(packed).toContain(target.slice('./'.length))
    expect(packed).toContain(target.slice('./'.length).replace(/\.js$/, '.d.ts'))
  }
  expect(packed).toEqual(
    expect.arrayContaining(['README.md', 'LICENSE', 'package.json', 'migrations/0001-outbox.sql']),
  )
  const others = packed.filter(path => !/^(dist\/[\w-]+\.(js|d\.ts)|migrations\/[\w-]+\.sql)$/.test(path))
  expect(others.sort()).toEqual(['LICENSE', 'README.md', 'grants.sql', 'package.json'])
  expect(packed.filter(path => /test|fixture/.test(path))).toEqual([])
})

test('in an empty project its types are checked: a right use passes, a wrong one is told', async () => {
  const compilerOptions = {
    ...{ target: 'es2024', module: 'nodenext', strict: true, noEmit: true, types: ['node'] },
    ...{ allowImportingTsExtensions: true, skipLibCheck: false },
  }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  const wrong = [
    "import type { RelaySettings } from 'messaging/relay-settings'",
    "import { startRelay } from 'messaging/relay'",
  ]
  await writeFile(join(project, 'wrong.ts'), `${wrong.join('\n')}\nstartRelay({ source: 1 })\n`)
  const { stdout } = await run(join(modules, '.bin/tsc'), ['--project', project], { cwd: project }).catch(
    ({ stdout }) => ({ stdout }),
  )
  const errors = stdout.split('\n').filter((line: string) => /error TS/.test(line))
  expect(errors).toEqual([
    expect.stringMatching(/^wrong\.ts\(1,.*Cannot find module/),
    expect.stringMatching(/^wrong\.ts\(3,.*'number' is not assignable to type 'string'/),
  ])
})

test('in an empty project the example runs, on tables that the migrations of the package make', async () => {
  const database = await testDatabase('messaging')
  const { host, port, user, password } = database.owner
  const client = new pg.Client(database.owner)
  await client.connect()
  try {
    // Without public, so that the tables that are there already are out of reach.
    await client.query('create schema of_the_package')
    const options = encodeURIComponent('-c search_path=of_the_package')
    const env = {
      ...process.env,
      DATABASE_URL: `postgres://${user}:${password}@${host}:${port}/${database.database}?options=${options}`,
      KAFKA_BROKERS: testBrokers().join(),
      TOPIC: uniqueName('parcel-scans'),
    }
    const { stdout } = await run(process.execPath, ['main.ts', 'here', 'there', 'home'], {
      cwd: project,
      env,
    })
    expect(stdout).toBe('here there home\n')
    const { rows } = await client.query('select count(*)::int as events from of_the_package.outbox')
    expect(rows).toEqual([{ events: 3 }])
  } finally {
    await client.end()
    await database.drop()
  }
})
