import { isUtf8 } from 'node:buffer'
import { type PartAnswer, partsBytesMax, partsMax } from 'edge/part'
import type { Answer, Outcome, Request, Upstream } from './upstream.ts'

type Waiting = { request: Request; resolve(outcome: Outcome): void }
type Lot = { waiting: Waiting[]; parts: string[]; bytes: number }

/**
 * Asks as the upstream does, but requests that come in one turn of the event loop travel in one, to `path`: two writes to
 * sockets and an HTTP request on each side are most of what it costs to pass an order on. One that comes alone goes alone,
 * and so does one that does not fit into a part, which holds JSON text and no query.
 */
export function together(upstream: Upstream, path: string): (request: Request) => Promise<Outcome> {
  let waiting: Waiting[] = []

  function sendAll(): void {
    const all = waiting
    waiting = []
    for (const lot of lotsOf(all)) void send(lot)
  }

  async function send({ waiting, parts }: Lot): Promise<void> {
    if (waiting.length === 1) return sendAlone(waiting)
    const outcome = await upstream.send({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(`[${parts.join()}]`),
    })
    if (outcome.kind === 'unavailable') return settle(waiting, () => outcome)
    // The service is older than this call.
    if (outcome.status === 404) return sendAlone(waiting)
    const answers = answersIn(outcome, waiting.length)
    if (answers) settle(waiting, index => ({ kind: 'answered', ...answers[index]! }))
    else settle(waiting, () => ({ kind: 'unavailable', reason: `${path} answered ${outcome.status}` }))
  }

  function sendAlone(waiting: Waiting[]): void {
    for (const { request, resolve } of waiting) void upstream.send(request).then(resolve)
  }

  return request => {
    if (!canShare(request)) return upstream.ask(request)
    // Admitted now, not when they are sent: of all that come in one turn, no more may pass the door than there is room for.
    return upstream.admit(
      () =>
        new Promise(resolve => {
          const count = waiting.push({ request, resolve })
          if (count === 1) setImmediate(sendAll)
          // At full load a turn takes 0.2 s; the service need not wait for the end of it.
          if (count === partsMax) sendAll()
        }),
    )
  }
}

function settle(waiting: Waiting[], outcomeOf: (index: number) => Outcome): void {
  for (const [index, { resolve }] of waiting.entries()) resolve(outcomeOf(index))
}

const jsonType = /^application\/json *(;|$)/

const canShare = ({ path, headers, body }: Request): boolean =>
  body !== undefined && isUtf8(body) && jsonType.test(headers['content-type'] ?? '') && !path.includes('?')

/** Undefined where something else than our service has answered. */
function answersIn({ status, body }: Answer, count: number): PartAnswer[] | undefined {
  try {
    const answers = status === 200 ? (JSON.parse(String(body)) as PartAnswer[]) : []
    return answers.length === count ? answers : undefined
  } catch {
    return undefined
  }
}

/** As few as there can be within partsBytesMax, in the order they came. */
function lotsOf(waiting: Waiting[]): Lot[] {
  const lots: Lot[] = []
  for (const one of waiting) {
    const part = JSON.stringify({ headers: one.request.headers, body: String(one.request.body) })
    const bytes = Buffer.byteLength(part) + 1
    let lot = lots.at(-1)
    if (!lot || lot.bytes + bytes > partsBytesMax) {
      lot = { waiting: [], parts: [], bytes: 1 }
      lots.push(lot)
    }
    lot.waiting.push(one)
    lot.parts.push(part)
    lot.bytes += bytes
  }
  return lots
}
