import { readFileSync } from 'node:fs'

/** Ticks of /proc are hundredths of a second on every Linux that Node runs on. */
const tickMs = 10
const sampleMs = 250

export type Usage = { cpuMs: number; memoryMbMax: number }

/**
 * CPU time and the largest resident memory of processes with all their children, until stopped. Of PostgreSQL
 * the shared memory counts once. Linux only: elsewhere all is NaN, and nothing is quoted.
 */
export function watchUsage(roots: Record<string, number[]>): { stop(): Record<string, Usage> } {
  const first = readFamilies(roots)
  let last = first
  const memoryMbMax = new Map<string, number>()
  const sample = () => {
    last = readFamilies(roots)
    for (const [name, { memoryMb }] of last) {
      memoryMbMax.set(name, Math.max(memoryMbMax.get(name) ?? 0, memoryMb))
    }
  }
  const timer = setInterval(sample, sampleMs)
  return {
    stop() {
      clearInterval(timer)
      sample()
      return Object.fromEntries(
        [...last].map(([name, { cpuMs }]) => [
          name,
          { cpuMs: cpuMs - first.get(name)!.cpuMs, memoryMbMax: memoryMbMax.get(name)! },
        ]),
      )
    },
  }
}

type Family = { cpuMs: number; memoryMb: number }

function readFamilies(roots: Record<string, number[]>): Map<string, Family> {
  return new Map(Object.entries(roots).map(([name, pids]) => [name, readFamily(pids)]))
}

function readFamily(roots: number[]): Family {
  if (process.platform !== 'linux') return { cpuMs: Number.NaN, memoryMb: Number.NaN }
  const family = roots.flatMap(withDescendants)
  const own = family.map(memoryOf)
  const shared = Math.max(0, ...own.map(({ sharedMb }) => sharedMb))
  return {
    cpuMs: family.reduce((sum, pid) => sum + cpuMsOf(pid), 0),
    memoryMb: own.reduce((sum, { residentMb, sharedMb }) => sum + residentMb - sharedMb, shared),
  }
}

/** Whose first thread started whom, as the kernel lists it: to look through all processes takes a tenth of a core. */
function withDescendants(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean)
  return [pid, ...children.map(Number).flatMap(withDescendants)]
}

/** Its own time, and that of children that have ended. */
function cpuMsOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * tickMs, 0)
}

function memoryOf(pid: number): { residentMb: number; sharedMb: number } {
  const status = read(`/proc/${pid}/status`)
  const mb = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024
  return { residentMb: mb('VmRSS'), sharedMb: mb('RssShmem') }
}

/** Empty where the process has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
