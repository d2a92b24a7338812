import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Problem, problemBody } from 'edge/problem'
import { requestIdOf } from 'edge/request-id'
import type { Telemetry } from 'edge/telemetry/start-telemetry'
import type { Log } from 'messaging/log'
import { Counter } from 'prom-client'
import { overloaded } from './forward.ts'
import { publicCalls, type ServiceName } from './public-calls.ts'
import type { Upstream } from './upstream.ts'

const logMsMin = 1_000

/**
 * Tells a client to come again before Fastify sees its request, while the service it asks has too much to do: what a
 * refusal costs is taken from those who are served, and this is a fifth of what routes and hooks cost.
 * Only for calls without a parameter in their path, which are those that come in masses, and for programs: a page of
 * another origin may read an answer only with the headers that the routes' refusals have.
 */
export function refuseEarly(
  upstreams: Record<ServiceName, Upstream>,
  headers: Record<string, string>,
  log: Log,
  telemetry?: Telemetry,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const calls = new Map<string, { upstream: Upstream; problem: Problem }>(
    publicCalls
      .filter(({ url }) => !url.includes(':'))
      .map(({ method, url, service }) => [
        `${method} ${url}`,
        { upstream: upstreams[service], problem: overloaded(service) },
      ]),
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
    if (call === undefined || reason === undefined || asked.origin !== undefined) return false
    count(call.upstream.name, reason)
    const { problem } = call
    const id = requestIdOf(request)
    const body = JSON.stringify(problemBody(problem, id))
    response
      .writeHead(problem.status, {
        ...headers,
        ...problem.headers,
        'x-request-id': id,
        'content-type': 'application/problem+json',
        'content-length': Buffer.byteLength(body),
      })
      .end(body)
    return true
  }
}
