import { performance } from 'node:perf_hooks'
import { type Static, Type } from 'typebox'
import { type About, logAnswered } from './access-log.ts'
import type { Logger } from './log.ts'
import { problemBody, problemFor } from './problem.ts'
import { requestIdOf } from './request-id.ts'
import type { HttpObserver } from './telemetry/observe-http.ts'

/**
 * One of several requests of the same call that travel in one: an array of parts is answered by an array of answers, in
 * their order. It holds what would be its headers, named in lower case, and its body, if it came alone.
 */
export const Part = Type.Object({ headers: Type.Record(Type.String(), Type.String()), body: Type.String() })
export type Part = Static<typeof Part>
export type PartAnswer = { status: number; headers: Record<string, string>; body: string }

/** Parts in one request, and the bytes that it may have. */
export const partsMax = 200
export const partsBytesMax = 1024 * 1024

type Answer = { status: number; headers: Record<string, string>; body: object; about?: About }
/** Never rejects. What comes of a part, and is logged, counted and traced of it, is as if it had come alone. */
export type AnswerPart = (
  call: { method: string; url: string },
  part: Part,
  handle: (headers: Part['headers'], body: string) => Promise<Answer>,
) => Promise<PartAnswer>

export function partAnswerer(log: Logger, observer: HttpObserver | undefined): AnswerPart {
  return async ({ method, url }, { headers, body }, handle) => {
    const startedAt = performance.now()
    const id = requestIdOf({ headers })
    const span = observer?.begin(method, url, id, headers.traceparent)
    const ids = { request_id: id, ...(span && { trace_id: span.traceId }) }
    const handled = handle(span ? { ...headers, traceparent: span.traceparent } : headers, body)
    const { about, ...answer } = await handled.catch(error => refusal(error, id, ids))
    const answered = { method, url, status: answer.status, ms: performance.now() - startedAt, about }
    observer?.time(answered)
    observer?.end(span, answered)
    logAnswered(log, answered, ids)
    return { ...answer, body: JSON.stringify(answer.body) }
  }

  function refusal(error: Error, id: string, ids: Record<string, string>): Answer {
    const problem = problemFor(error)
    if (problem.status >= 500) log.error({ ...ids, err: error }, problem.code)
    return {
      status: problem.status,
      headers: { ...problem.headers, 'content-type': 'application/problem+json' },
      body: problemBody(problem, id),
    }
  }
}
