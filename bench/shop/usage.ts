import { readdirSync, readFileSync } from 'node:fs'

/** Ticks of /proc are hundredths of a second on every Linux that Node runs on. */
const tickMs = 10
const sampleMs = 250

export type Usage = { cpuMs: number; memoryMbMax: number }

/**
 * CPU time and the largest resident memory of processes with all their children, until stopped. Of PostgreSQL
 * the shared memory counts once. Linux only: elsewhere all is NaN, and nothing is quoted.
 */
export function watchUsage(pids: Record<string, number[]>): { stop(): Record<string, Usage> } {
  const read = (roots: number[]) => (process.platform === 'linux' ? readFamily(roots) : undefined)
  const first = new Map(Object.entries(pids).map(([name, roots]) => [name, read(roots)]))
  const memory = new Map<string, number>()
  const sample = () => {
    for (const [name, roots] of Object.entries(pids)) {
      memory.set(name, Math.max(memory.get(name) ?? 0, read(roots)?.memoryMb ?? Number.NaN))
    }
  }
  sample()
  const timer = setInterval(sample, sampleMs)
  return {
    stop() {
      clearInterval(timer)
      sample()
      return Object.fromEntries(
        Object.entries(pids).map(([name, roots]) => {
          const cpuMs = (read(roots)?.cpuMs ?? Number.NaN) - (first.get(name)?.cpuMs ?? Number.NaN)
          return [name, { cpuMs, memoryMbMax: memory.get(name) ?? Number.NaN }]
        }),
      )
    },
  }
}

function readFamily(roots: number[]): { cpuMs: number; memoryMb: number } {
  const parents = new Map<number, { parent: number; cpuMs: number }>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined
    if (stat) parents.set(Number(name), stat)
  }
  const isOurs = (pid: number): boolean => {
    if (roots.includes(pid)) return true
    const parent = parents.get(pid)?.parent
    return parent !== undefined && parent > 1 && isOurs(parent)
  }
  const family = [...parents.keys()].filter(isOurs)
  const own = family.map(memoryOf)
  const shared = Math.max(0, ...own.map(({ sharedMb }) => sharedMb))
  return {
    cpuMs: family.reduce((sum, pid) => sum + parents.get(pid)!.cpuMs, 0),
    memoryMb: own.reduce((sum, { residentMb, sharedMb }) => sum + residentMb - sharedMb, shared),
  }
}

function statOf(pid: number): { parent: number; cpuMs: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Its own time, and that of children that have ended.
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    return { parent: Number(fields[1]), cpuMs: ticks * tickMs }
  } catch {
    return undefined
  }
}

function memoryOf(pid: number): { residentMb: number; sharedMb: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const mb = (field: string) =>
      Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024
    return { residentMb: mb('VmRSS'), sharedMb: mb('RssShmem') }
  } catch {
    return { residentMb: 0, sharedMb: 0 }
  }
}
