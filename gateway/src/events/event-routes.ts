import { type App, answers } from 'edge/app'
import { Problem, sendProblem } from 'edge/problem'
import { UserId } from 'edge/user-id'
import { Type } from 'typebox'
import type { EventHub } from './event-hub.ts'
import { parsePosition } from './position.ts'

/** A reader that lost its stream comes again after this long. */
const retryMs = 1_000

const schema = {
  tags: ['orders'],
  summary: 'Status changes of orders, as server-sent events',
  description:
    'Event `order` carries the status of an order. Send the last `id` again as `Last-Event-ID` to go on where the stream broke off; event `resync` says that this place is no longer held, so read afresh what you show.',
  querystring: Type.Object({ user_id: Type.Optional(UserId) }, { additionalProperties: false }),
  headers: Type.Object({
    'last-event-id': Type.Optional(Type.String({ description: 'The last `id` that arrived' })),
  }),
  response: {
    200: { description: 'The stream', content: { 'text/event-stream': { schema: Type.String() } } },
    ...answers({}, 400, 429, 503),
  },
}

export function registerEvents(app: App, hub: EventHub): void {
  app.get('/orders/events', { schema, config: { isStream: true } }, (request, reply) => {
    if (!hub.hasRoom()) {
      sendProblem(request, reply, tooManyStreams())
      return
    }
    const lastEventId = request.headers['last-event-id']
    const place = lastEventId === undefined ? undefined : (parsePosition(lastEventId) ?? 'unreadable')
    reply.hijack()
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      // The connection ends with the stream: kept alive it would hold up a gateway that closes.
      connection: 'close',
      // Asks proxies such as nginx to hand on every event at once.
      'x-accel-buffering': 'no',
    })
    if (request.method === 'HEAD') {
      reply.raw.end()
      return
    }
    reply.raw.write(`retry: ${retryMs}\n: connected\n\n`)
    hub.serve(reply.raw, { userId: request.query.user_id, place, sinceMs: Date.now() })
  })
}

const tooManyStreams = () =>
  new Problem(
    503,
    'too_many_streams',
    'All event streams of this gateway are taken. Come back later, or read GET /orders.',
    { headers: { 'retry-after': '5' } },
  )
