import { performance } from 'node:perf_hooks'
import { type Static, Type } from 'typebox'
import { type App, answers } from './app.ts'

export type Check = (signal: AbortSignal) => Promise<unknown>

export const HealthQuery = Type.Object(
  {
    timeout: Type.Number({
      minimum: 0.1,
      maximum: 30,
      default: 2,
      description: 'Seconds to wait for each dependency',
    }),
  },
  { additionalProperties: false },
)

export const Dependency = Type.Object({
  status: Type.Union([Type.Literal('up'), Type.Literal('down')]),
  duration_ms: Type.Number({ description: 'Milliseconds the check took' }),
  detail: Type.Optional(Type.String()),
})
export type Dependency = Static<typeof Dependency>
export const Health = Type.Object({
  service: Type.String(),
  status: Type.Union([Type.Literal('up'), Type.Literal('down')]),
  dependencies: Type.Record(Type.String(), Dependency),
})

/** `GET /health`: 200 when every dependency answers within the timeout, else 503; both say which and how long. */
export function registerHealth(app: App, service: string, checks: Record<string, Check>): void {
  const schema = {
    tags: ['operations'],
    summary: 'State of this service and its dependencies',
    querystring: HealthQuery,
    response: answers({ 200: Health, 503: Health }, 400),
  }
  app.get('/health', { schema, config: { isUntraced: true } }, async (request, reply) => {
    const timeoutMs = wholeMs(request.query.timeout)
    const found = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await runCheck(check, timeoutMs)] as const),
    )
    const status = found.every(([, { status }]) => status === 'up') ? ('up' as const) : ('down' as const)
    return reply
      .code(status === 'up' ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ service, status, dependencies: Object.fromEntries(found) })
  })
}

/** AbortSignal.timeout throws where there are fractions. */
export const wholeMs = (seconds: number) => Math.round(seconds * 1_000)

/** Runs one check, and answers within the timeout whatever the check does. */
export async function runCheck(check: Check, timeoutMs: number): Promise<Dependency> {
  const started = performance.now()
  const duration_ms = () => Math.round((performance.now() - started) * 10) / 10
  const timeout = AbortSignal.timeout(timeoutMs)
  const expired = new Promise<never>((_, reject) => {
    timeout.addEventListener('abort', () => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), {
      once: true,
    })
  })
  try {
    await Promise.race([check(timeout), expired])
    return { status: 'up', duration_ms: duration_ms() }
  } catch (error) {
    const detail = timeout.aborted ? `no answer within ${timeoutMs / 1000} s` : 'does not answer'
    return {
      status: 'down',
      duration_ms: duration_ms(),
      detail: error instanceof HealthDetail ? error.message : detail,
    }
  }
}

/** A failure whose message may be shown to anyone who asks for the health. */
export class HealthDetail extends Error {}
