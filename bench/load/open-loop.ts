import { get, type IncomingMessage } from 'node:http'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { orderBody } from './closed-loop.ts'
import { type Answer, HttpConnection } from './http-connection.ts'

export type OpenLoop = {
  url: string
  /** Where settled orders are heard of; without it only the answers count. */
  streamUrl?: string
  perSecond: number
  seconds: number
  users: number
  connectionsMax: number
  /** How long it rests before it looks again what is due: a look takes some 0.1 ms of CPU from what is measured. */
  restMs?: number
}
export type OpenLoopOutcome = {
  /** In the order of their events at the client's stream. */
  settled: SettledOrder[]
  /** From when each was due to the answer, by second and status; 0 where the connection broke or none was free. */
  answers: { second: number; status: number; ms: number; retryAfter: boolean }[]
  accepted: number
  cpuMs: number
}
/** `dueAt`: milliseconds since 1970, as PostgreSQL counts them. `seenMs`: from then to the event at the client's stream. */
export type SettledOrder = { id: string; dueAt: number; seenMs: number }

const settleMsMax = 30_000

/**
 * Each order is due at its time, whatever became of those before it, and every time counts from then: a wait that
 * the load itself could not avoid is a wait all the same.
 */
export async function openLoop(load: OpenLoop): Promise<OpenLoopOutcome> {
  const { url, streamUrl, perSecond, seconds, users, connectionsMax, restMs = 1 } = load
  const cpu = process.cpuUsage()
  const dueAtOf = new Map<string, number>()
  const earlyAtOf = new Map<string, number>()
  const settled: SettledOrder[] = []
  const clockStart = wallClockStart()
  const stream = streamUrl ? await followSettled(streamUrl, seen) : undefined
  function seen(id: string): void {
    const dueAt = dueAtOf.get(id)
    if (dueAt === undefined) earlyAtOf.set(id, performance.now())
    else if (dueAtOf.delete(id)) note(id, dueAt, performance.now())
  }
  function note(id: string, dueAt: number, seenAt: number): void {
    settled.push({ id, dueAt: clockStart + dueAt, seenMs: seenAt - dueAt })
  }

  const answers: OpenLoopOutcome['answers'] = []
  const idle: HttpConnection[] = []
  let open = 0
  let underWay = 0
  let accepted = 0
  const startedAt = performance.now()
  function place(index: number): void {
    const dueAt = startedAt + dueMs(index)
    const connection = idle.pop() ?? (open < connectionsMax ? connect() : undefined)
    const noteAnswer = (status: number, retryAfter: boolean) =>
      answers.push({
        second: Math.floor(index / perSecond),
        status,
        ms: performance.now() - dueAt,
        retryAfter,
      })
    if (!connection) return void noteAnswer(0, false)
    underWay++
    connection.request('POST', '/orders', orderBody(index, users), answer => {
      underWay--
      if (connection.isOpen) idle.push(connection)
      else open--
      noteAnswer(answer?.status ?? 0, answer !== undefined && /^retry-after:/im.test(answer.head))
      if (answer?.status === 201) accept(answer, dueAt)
    })
  }
  function connect(): HttpConnection {
    open++
    return new HttpConnection(new URL(url))
  }
  function accept({ body }: Answer, dueAt: number): void {
    accepted++
    if (!stream) return
    const id = /"id":"([^"]+)"/.exec(body)![1]!
    dueAtOf.set(id, dueAt)
    const early = earlyAtOf.get(id)
    if (early === undefined) return
    earlyAtOf.delete(id)
    dueAtOf.delete(id)
    note(id, dueAt, early)
  }

  const count = Math.round(perSecond * seconds)
  const dueMs = (index: number) => (index * 1000) / perSecond
  for (let index = 0; index < count; ) {
    const nowMs = performance.now() - startedAt
    while (index < count && dueMs(index) <= nowMs) place(index++)
    await sleepUntil(startedAt + Math.max(dueMs(index), nowMs + restMs))
  }
  const deadline = performance.now() + settleMsMax
  while ((underWay > 0 || dueAtOf.size > 0) && performance.now() < deadline) await sleep(5)
  stream?.destroy()
  for (const connection of idle) connection.close()
  const { user, system } = process.cpuUsage(cpu)
  if (dueAtOf.size > 0) throw new Error(`${dueAtOf.size} of ${accepted} orders were not seen to settle.`)
  return { settled, answers, accepted, cpuMs: (user + system) / 1000 }
}

/** What to add to `performance.now()` for the time since 1970. Date.now() leaves out what is less than a millisecond. */
function wallClockStart(): number {
  const until = performance.now() + 3
  let start = 0
  while (performance.now() < until) start = Math.max(start, Date.now() - performance.now())
  return start
}

const nobodyWakes = new Int32Array(new SharedArrayBuffer(4))

/** Perhaps not to the end. Node's timers are late by a millisecond and more, which would count as the system's. */
async function sleepUntil(at: number): Promise<void> {
  const leftMs = at - performance.now()
  if (leftMs >= 2) return sleep(Math.floor(leftMs) - 1)
  Atomics.wait(nobodyWakes, 0, 0, Math.max(0, leftMs))
  await setImmediate()
}

/** Every settled order of the shop; resolves when the stream is open. */
function followSettled(url: string, onSettled: (id: string) => void): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = get(`${url}/orders/events`, response => {
      if (response.statusCode !== 200) return reject(new Error(`The stream answered ${response.statusCode}.`))
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const blocks = (text + chunk).split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) {
          const id = /"order_id":"([^"]+)"/.exec(block)?.[1]
          if (id) onSettled(id)
        }
      })
      response.on('error', () => undefined)
      resolve(response)
    })
    request.once('error', reject)
  })
}
