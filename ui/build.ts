import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

type Log = { info(text: string): void }

export const distFolder = join(import.meta.dirname, 'dist')
const sources = 'src'
const builtFrom = [
  '../edge/src/operator-words.ts',
  sources,
  'public',
  'index.html',
  'vite.config.ts',
  'package.json',
]

/** Makes `dist` where it is missing or older than its sources, so that a fresh clone starts without a build step. */
export async function buildIfStale(log: Log): Promise<'built' | 'fresh'> {
  if (!(await isStale())) return 'fresh'
  log.info('Building the UI (a few seconds, only when its sources changed)')
  // Two starts at once must not write into one folder, so each builds beside and renames.
  const staging = join(import.meta.dirname, 'node_modules', `.build-${process.pid}`)
  await mkdir(staging, { recursive: true })
  await viteBuild(staging)
  await rm(distFolder, { recursive: true, force: true })
  await rename(staging, distFolder)
  return 'built'
}

/** In a process of its own: with this one's NODE_ENV (`test`, say) it would be React's slow development build. */
async function viteBuild(outDir: string): Promise<void> {
  const vite = join(dirname(fileURLToPath(import.meta.resolve('vite/package.json'))), 'bin/vite.js')
  const args = [vite, 'build', '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn']
  const env = { ...process.env, NODE_ENV: 'production' }
  await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, env })
}

async function isStale(): Promise<boolean> {
  // An image has the pages and not what they were built from.
  if (!existsSync(join(import.meta.dirname, sources))) return false
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
