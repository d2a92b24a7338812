import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { problemBody } from 'edge/problem'
import { requestIdOf } from 'edge/request-id'
import type { Telemetry } from 'edge/telemetry/start-telemetry'
import type { Log } from 'messaging/log'
import { Counter } from 'prom-client'
import { overloaded } from './forward.ts'
import { publicCalls, type ServiceName } from './public-calls.ts'
import type { Upstream } from './upstream.ts'

const logMsMin = 1_000

type Refusal = {
  upstream: Upstream
  status: number
  headers: string[]
  /** The body before the request id, which is of characters that JSON writes as they are, and behind it. */
  before: string
  after: string
}

/**
 * Tells a client to come again before Fastify sees its request, while the service it asks has too much to do: what a
 * refusal costs is taken from those who are served, and this is a fifth of what routes and hooks cost.
 * Only for calls without a parameter in their path, which are those that come in masses, and for programs: a browser is
 * given the headers that all answers to it have, and checking those is a fifth of a refusal.
 */
export function refuseEarly(
  upstreams: Record<ServiceName, Upstream>,
  log: Log,
  telemetry?: Telemetry,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const calls = new Map(
    publicCalls
      .filter(({ url }) => !url.includes(':'))
      .map(({ method, url, service }) => [`${method} ${url}`, refusalOf(upstreams[service], service)]),
  )
  const refusals =
    telemetry &&
    new Counter({
      name: 'http_requests_refused_total',
      help: 'Told 503 overloaded before any route saw them, by the service they were for',
      labelNames: ['upstream'],
      registers: [telemetry.metrics.registry],
    })
  let refused = 0
  let loggedAtMs = 0
  function count(upstream: string, reason: string): void {
    refusals?.inc({ upstream })
    refused++
    if (performance.now() - loggedAtMs < logMsMin) return
    log.warn({ refused, upstream, reason }, 'overloaded; requests are refused')
    refused = 0
    loggedAtMs = performance.now()
  }
  return (request, response) => {
    const { method, url = '', headers: asked } = request
    const call = calls.get(`${method} ${url.split('?', 1)[0]}`)
    const reason = call?.upstream.whyRefused()
    if (call === undefined || reason === undefined || isOfBrowser(asked)) return false
    count(call.upstream.name, reason)
    const id = requestIdOf(request)
    const body = call.before + id + call.after
    response
      .writeHead(call.status, [...call.headers, 'x-request-id', id, 'content-length', String(body.length)])
      .end(body, 'latin1')
    return true
  }
}

/** Cross-origin requests tell their origin; of the others a browser tells, over TLS and on this machine, where they are from. */
const isOfBrowser = (headers: IncomingHttpHeaders) =>
  headers.origin !== undefined || headers['sec-fetch-site'] !== undefined

function refusalOf(upstream: Upstream, service: ServiceName): Refusal {
  const problem = overloaded(service)
  const id = 'REQUEST_ID'
  const [before, after] = JSON.stringify(problemBody(problem, id)).split(id) as [string, string]
  const headers = {
    ...problem.headers,
    'content-type': 'application/problem+json',
    'x-content-type-options': 'nosniff',
  }
  return { upstream, status: problem.status, headers: Object.entries(headers).flat(), before, after }
}
