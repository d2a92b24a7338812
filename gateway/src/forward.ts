import type { IncomingHttpHeaders } from 'node:http'
import type { App } from 'edge/app'
import { encodingProblem } from 'edge/json-body'
import { Problem, sendProblem } from 'edge/problem'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type PublicCall, paramsOf, pathMaker, publicCalls, type ServiceName } from './public-calls.ts'
import { together } from './together.ts'
import type { Answer, Outcome, Upstream } from './upstream.ts'

/** What passes the door, in each direction; all else belongs to one connection or is nobody's business. */
const requestHeaders = ['content-type', 'idempotency-key', 'traceparent', 'tracestate'] as const
const answerHeaders = [
  'content-type',
  'location',
  'link',
  'idempotency-replayed',
  'retry-after',
  'cache-control',
] as const

/** One route for each public call, answered by its service. */
export function registerForwarding(app: App, upstreams: Record<ServiceName, Upstream>): void {
  app.register(async forwarding => {
    // Bodies are handed on as they are: reading the JSON is the service's work. The body limit holds for them.
    forwarding.removeAllContentTypeParsers()
    forwarding.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) =>
      done(encodingProblem(request.headers['content-encoding']), body),
    )
    for (const call of publicCalls) {
      const params = paramsOf(call.url)
      forwarding.route({
        method: call.method,
        url: call.url,
        schema: { hide: true, ...(params && { params }) },
        handler: forward(call, upstreams[call.service]),
      })
    }
  })
}

function forward(call: PublicCall, upstream: Upstream) {
  const { method, url } = call
  const pathOf = pathMaker(url)
  const ask = 'together' in call ? together(upstream, call.together) : upstream.ask
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const path = pathOf(request.params as Record<string, string>) + queryOf(request.url)
    const headers = headersFor(request)
    const body = method === 'GET' ? undefined : (request.body as Buffer | undefined)
    const outcome = await ask({ method, path, headers, body })
    return outcome.kind === 'answered'
      ? passOn(reply, outcome)
      : sendUnavailable(request, reply, upstream.name, outcome)
  }
}

/** From the first ? on, as it came. */
function queryOf(url: string): string {
  const start = url.indexOf('?')
  return start < 0 ? '' : url.slice(start)
}

export function headersFor(request: { id: string; headers: IncomingHttpHeaders }): Record<string, string> {
  const headers: Record<string, string> = { 'x-request-id': request.id }
  for (const name of requestHeaders) {
    const value = request.headers[name]
    if (typeof value === 'string') headers[name] = value
  }
  return headers
}

export function passOn(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  reply.code(status)
  for (const name of answerHeaders) {
    const value = headers[name]
    if (value !== undefined) reply.header(name, value)
  }
  // Else Fastify adds a charset to the content type of a text, and none to that of bytes.
  return reply.serializer(String).send(body)
}

export function sendUnavailable(
  request: FastifyRequest,
  reply: FastifyReply,
  service: string,
  { reason, isOverloaded }: Extract<Outcome, { kind: 'unavailable' }>,
): FastifyReply {
  if (isOverloaded) {
    request.log.debug({ upstream: service, reason }, 'overloaded')
    return sendProblem(request, reply, overloaded(service))
  }
  request.log.warn({ upstream: service, reason }, 'upstream_unavailable')
  const advice =
    request.method === 'GET' || request.method === 'HEAD'
      ? 'Try again.'
      : 'It is not known whether the request was carried out; try again with the same Idempotency-Key.'
  return sendProblem(
    request,
    reply,
    new Problem(503, 'upstream_unavailable', `The ${service} service does not answer. ${advice}`, {
      headers: { 'retry-after': '1' },
    }),
  )
}

export const overloaded = (service: string) =>
  new Problem(
    503,
    'overloaded',
    `The ${service} service has more to do than it can. Nothing was carried out; try again in a second.`,
    { headers: { 'retry-after': '1' } },
  )
