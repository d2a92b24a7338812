import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

type Log = { info(text: string): void }

export const distFolder = join(import.meta.dirname, 'dist')
const builtFrom = ['src', 'public', 'index.html', 'vite.config.ts', 'package.json']

/** Makes `dist` where it is missing or older than its sources, so that a fresh clone starts without a build step. */
export async function buildIfStale(log: Log): Promise<'built' | 'fresh'> {
  if (!(await isStale())) return 'fresh'
  log.info('Building the UI (a few seconds, only when its sources changed)')
  const { build } = await import('vite')
  // Two starts at once must not write into one folder, so each builds beside and renames.
  const staging = join(import.meta.dirname, 'node_modules', `.build-${process.pid}`)
  await mkdir(staging, { recursive: true })
  await build({
    configFile: join(import.meta.dirname, 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: staging, emptyOutDir: true },
  })
  await rm(distFolder, { recursive: true, force: true })
  await rename(staging, distFolder)
  return 'built'
}

async function isStale(): Promise<boolean> {
  const marker = join(distFolder, 'index.html')
  if (!existsSync(marker)) return true
  const { mtimeMs } = await stat(marker)
  const changes = await Promise.all(builtFrom.map(path => newestChange(join(import.meta.dirname, path))))
  return Math.max(...changes) > mtimeMs
}

async function newestChange(path: string): Promise<number> {
  const found = await stat(path)
  if (!found.isDirectory()) return found.mtimeMs
  const inside = await readdir(path)
  return Math.max(0, ...(await Promise.all(inside.map(name => newestChange(join(path, name))))))
}
