import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { buildGateway, type GatewayParts } from './app.ts'
import { EventHub } from './events/event-hub.ts'
import { Auditor } from './integrity/auditor.ts'
import { integrityOf } from './integrity/services.ts'
import { openUpstream } from './upstream.ts'
import { wideDoor } from './wide-door.ts'

export type Arrived = { method: string; url: string; headers: IncomingHttpHeaders; body: string }
export type TestUpstream = { url: string; arrived: Arrived[]; close(): Promise<void> }

/** A real server on a real socket, which may misbehave as the test likes. */
export async function startUpstream(
  answer: (request: Arrived, response: ServerResponse) => void = (request, response) =>
    answerEach(request, response, 200),
  port = 0,
): Promise<TestUpstream> {
  const arrived: Arrived[] = []
  const listener: RequestListener = async (request, response) => {
    let body = ''
    try {
      for await (const chunk of request) body += chunk
    } catch {
      return
    }
    const { method = '', url = '', headers } = request
    const it = { method, url, headers, body }
    arrived.push(it)
    answer(it, response)
  }
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
}

/** With {} and that status: a request that came alone, or each of those that travelled together. */
export function answerEach({ url, body }: Arrived, response: ServerResponse, status: number): void {
  const answer = { status, headers: {}, body: '{}' }
  if (url === '/orders/together')
    json(
      response,
      200,
      (JSON.parse(body) as unknown[]).map(() => answer),
    )
  else json(response, status, {})
}

export type LogLine = {
  msg: string
  level: number
  request_id?: string
  path?: string
  status?: number
  ms?: number
}

export const auditWorkMsMax = 500

/** A listening gateway before the given upstreams; one that is left out does not listen. */
export async function startGateway(
  urls: { orders?: string; payments?: string },
  {
    timeoutMs = 5_000,
    rateLimitPerSecond = 0,
    streamsMax = 10,
    checks = {},
    trustedProxies = [],
    settledWithinMs = 60_000,
  }: {
    timeoutMs?: number
    rateLimitPerSecond?: number
    streamsMax?: number
    checks?: GatewayParts['checks']
    trustedProxies?: string[]
    settledWithinMs?: number
  } = {},
) {
  const logged: LogLine[] = []
  const log = pino({ level: 'info' }, { write: line => void logged.push(JSON.parse(line)) })
  const nobody = 'http://127.0.0.1:1'
  const upstreams = {
    orders: openUpstream('orders', urls.orders ?? nobody, timeoutMs),
    payments: openUpstream('payments', urls.payments ?? nobody, timeoutMs),
  }
  const hub = new EventHub({ streamsMax }, log)
  const auditor = new Auditor(integrityOf(upstreams), log, { settledWithinMs, workMsMax: auditWorkMsMax })
  const app = await buildGateway({
    upstreams,
    hub,
    auditor,
    checks,
    door: { corsOrigins: ['http://shop.test'], rateLimitPerSecond, trustedProxies },
    log,
  })
  const url = await wideDoor(app).listen({ host: '127.0.0.1', port: 0, backlog: 511 })
  return {
    url,
    port: Number(new URL(url).port),
    app,
    hub,
    auditor,
    logged,
    async close() {
      await app.close()
      await Promise.all([upstreams.orders.close(), upstreams.payments.close()])
    },
  }
}

/** Closed after the test that started it, the last one first. */
export async function keep<It extends { close(): Promise<void> }>(started: Promise<It>): Promise<It> {
  const it = await started
  onTestFinished(() => it.close())
  return it
}

/** Sends bytes as they are and answers all that comes back until the server closes. */
export function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', data => {
      answer += data
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', error => (answer ? resolve(answer) : reject(error)))
  })
}
