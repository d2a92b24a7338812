import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { placeForPostgres } from './postgres-place.ts'

let clone: string
let folder: string

beforeEach(() => {
  // mkdtemp makes it 0700, as many home folders are.
  clone = mkdtempSync(join(tmpdir(), 'postgres-place-test-'))
  folder = join(clone, '.data/postgres')
  mkdirSync(folder, { recursive: true })
})
afterEach(() => rmSync(clone, { recursive: true, force: true }))

const asRoot = test.runIf(process.getuid?.() === 0)

asRoot('data that the user of Postgres may no longer enter is not left for an empty database', async () => {
  chmodSync(clone, 0o755)
  const { data } = await placeForPostgres(folder)
  expect(data).toBe(join(folder, 'data'))
  mkdirSync(data)
  writeFileSync(join(data, 'PG_VERSION'), '18\n')
  chmodSync(clone, 0o700)
  const told = `The data is in ${data}, which the user postgres may no longer enter. Run chmod o+x ${clone}, or`
  await expect(placeForPostgres(folder)).rejects.toThrow(told)
  expect(existsSync(join(folder, 'location'))).toBe(false)
  chmodSync(clone, 0o711)
  expect(await placeForPostgres(folder)).toMatchObject({ data, outside: false })
})

asRoot('a private clone without data has it outside, also once others may enter the clone', async () => {
  const { data, outside } = await placeForPostgres(folder)
  expect(outside).toBe(true)
  expect(readFileSync(join(folder, 'location'), 'utf8')).toBe(`${data}\n`)
  chmodSync(clone, 0o755)
  expect(await placeForPostgres(folder)).toMatchObject({ data, outside: true })
  rmSync(dirname(data), { recursive: true })
})
