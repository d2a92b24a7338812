import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { isInfrastructureError } from 'messaging/infrastructure-error'
import { type Static, Type } from 'typebox'

export type FieldError = { in: string; field: string; detail: string }

/** An expected refusal on its way to being an RFC 9457 answer; thrown by the edge only, never by decisions. */
export class Problem extends Error {
  override name = 'Problem'
  readonly status: number
  readonly code: string
  readonly errors: FieldError[] | undefined
  readonly headers: Record<string, string>

  constructor(
    status: number,
    code: string,
    detail: string,
    more: { errors?: FieldError[]; headers?: Record<string, string> } = {},
  ) {
    super(detail)
    this.status = status
    this.code = code
    this.errors = more.errors
    this.headers = more.headers ?? {}
  }
}

export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'Stable; meant for programs' }),
    request_id: Type.String(),
    errors: Type.Optional(
      Type.Array(Type.Object({ in: Type.String(), field: Type.String(), detail: Type.String() })),
    ),
  },
  { $id: 'Problem', description: 'RFC 9457 problem details' },
)

export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problemBody(problem, request.id))
}

export const problemBody = (problem: Problem, request_id: string): Static<typeof ProblemSchema> => ({
  type: `urn:order-payments:problem:${problem.code}`,
  title: titleOf(problem.code),
  status: problem.status,
  detail: problem.message,
  code: problem.code,
  request_id,
  ...(problem.errors && { errors: problem.errors }),
})

/** invalid_request → Invalid request: the title belongs to the kind of problem, the detail to this one. */
const titleOf = (code: string) => (code.charAt(0).toUpperCase() + code.slice(1)).replaceAll('_', ' ')

/** The one place where errors become HTTP. What is not recognised is a bug: logged whole, answered without detail. */
export function handleError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = isCutShort(error, request) ? cutShort() : problemFor(error)
  if (problem.status >= 500) request.log.error({ err: error }, problem.code)
  return sendProblem(request, reply, problem)
}

/** Its client went away in the middle of the body: nothing that we stand on is broken, and nobody reads the answer. */
const isCutShort = (error: Error, { raw }: FastifyRequest) => raw.errored === error
const cutShort = () => new Problem(400, 'invalid_request', 'The body did not come to its end.')

export function problemFor(error: Error & Partial<FastifyError>): Problem {
  if (error instanceof Problem) return error
  if (isInfrastructureError(error)) {
    return new Problem(
      503,
      'unavailable',
      'A part this service needs is unavailable. Nothing is known to be done; try again, with the same Idempotency-Key.',
      {
        headers: { 'retry-after': '1' },
      },
    )
  }
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem(415, 'unsupported_media_type', 'Send the body as application/json.')
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem(413, 'body_too_large', 'The body is larger than 64 KiB.')
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new Problem(400, 'invalid_json', 'The body is empty; send a JSON object.')
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new Problem(400, 'invalid_request', 'The body is not as long as Content-Length says.')
    case 'FST_ERR_BAD_URL':
      return new Problem(
        400,
        'invalid_request',
        'The path is no URL: what stands after a % there is no UTF-8 in hex.',
      )
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new Problem(414, 'invalid_request', 'A part of the path is longer than any id.')
  }
  if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500) {
    return new Problem(
      error.statusCode,
      error.statusCode === 429 ? 'too_many_requests' : 'invalid_request',
      error.message,
    )
  }
  return new Problem(
    500,
    'internal_error',
    'Something went wrong on our side. Give the request id when you report it.',
  )
}
