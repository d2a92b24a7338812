import { performance } from 'node:perf_hooks'
import cors from '@fastify/cors'
import type { App } from 'edge/app'
import { Problem, sendProblem } from 'edge/problem'
import helmet from 'helmet'
import { RateLimit } from './rate-limit.ts'

export type DoorSettings = { corsOrigins: string[]; rateLimitPerSecond: number }

/** What every request passes, in this order; registered before any route so that no answer is without it. */
export async function registerDoor(
  app: App,
  settings: DoorSettings,
  headers: Record<string, string>,
): Promise<void> {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers)
    done()
  })
  // Before the rate limit, so that a page may read the 429.
  await app.register(cors, {
    origin: settings.corsOrigins,
    methods: ['GET', 'POST', 'PATCH'],
    allowedHeaders: [
      'content-type',
      'idempotency-key',
      'last-event-id',
      'x-request-id',
      'traceparent',
      'tracestate',
    ],
    exposedHeaders: ['link', 'location', 'idempotency-replayed', 'retry-after', 'x-request-id'],
    maxAge: 600,
    // Else OPTIONS that no page asks is refused in plain text, and every error is to be a problem.
    strictPreflight: false,
  })
  if (settings.rateLimitPerSecond > 0) limitRate(app, new RateLimit(settings.rateLimitPerSecond))
}

/** Helmet's headers are the same for every answer, so they are asked for once; @fastify/helmet builds them anew each time. */
export async function securityHeaders(): Promise<Record<string, string>> {
  const headers: Record<string, string> = {}
  const protect = helmet({
    // Without TLS in front this would send the docs page's own requests to a port that does not speak it.
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
  })
  await new Promise<void>((resolve, reject) =>
    protect(
      {} as never,
      {
        setHeader: (name: string, value: string) => {
          headers[name.toLowerCase()] = value
        },
        removeHeader: () => undefined,
      } as never,
      error => (error ? reject(error) : resolve()),
    ),
  )
  return headers
}

function limitRate(app: App, limit: RateLimit): void {
  app.addHook('onRequest', (request, reply, done) => {
    const waitMs = limit.take(request.ip, performance.now())
    if (waitMs === 0) return done()
    const seconds = Math.max(1, Math.ceil(waitMs / 1_000))
    sendProblem(
      request,
      reply,
      new Problem(
        429,
        'too_many_requests',
        `This client sends too many requests. Wait ${seconds} s, then go on slower.`,
        {
          headers: { 'retry-after': String(seconds) },
        },
      ),
    )
  })
}
