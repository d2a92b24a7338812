import type { FastifyBaseLogger } from 'fastify'
import type { App } from './app.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What it is about, such as an order's id: for its line in the log, and its span. */
    about: About
  }
}

export type About = Record<string, string> | undefined
export type Answered = { method: string; url: string; status: number; ms: number; about: About }

/**
 * One line for each request (about 5 µs), in every service, so that a request id leads through all of them.
 * Without the query, which may hold what logs must not.
 */
export function writeAccessLog(app: App): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { method, url, about } = request
    logAnswered(request.log, { method, url, status: reply.statusCode, ms: reply.elapsedTime, about })
    done()
  })
}

export function logAnswered(
  log: Pick<FastifyBaseLogger, 'info'>,
  { method, url, status, ms, about }: Answered,
  ids: Record<string, string> = {},
): void {
  const [path] = url.split('?', 1)
  log.info({ ...ids, method, path, status, ms: Math.round(ms * 10) / 10, ...about }, 'request')
}
