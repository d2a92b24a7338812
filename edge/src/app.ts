import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify'
import { writeAccessLog } from './access-log.ts'
import { answerClientError } from './client-error.ts'
import { drainOnClose } from './drain.ts'
import { encodingProblem, readJson } from './json-body.ts'
import type { Logger } from './log.ts'
import { answerNotFound } from './not-found.ts'
import { registerDocument } from './open-api.ts'
import { type AnswerPart, partAnswerer } from './part.ts'
import { handleError, Problem, ProblemSchema } from './problem.ts'
import { requestIdOf } from './request-id.ts'
import { observeHttp, watchRequests } from './telemetry/observe-http.ts'
import type { Telemetry } from './telemetry/start-telemetry.ts'
import { compileValidator } from './validation.ts'

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

declare module 'fastify' {
  interface FastifyInstance {
    answerPart: AnswerPart
  }
}

const bodyBytesMax = 64 * 1024

/** A connection is kept so long for the next request. */
const idleMsMax = 72_000

export type AppOptions = Pick<FastifyServerOptions, 'routerOptions' | 'trustProxy'> & {
  /** Measures and traces every request; neither where it is left out. */
  telemetry?: Telemetry | undefined
  /** Answers a request before any hook and route does; false leaves it to them. Never throws. */
  answerFirst?: (request: IncomingMessage, response: ServerResponse) => boolean
  /** Registers what must see every request: hooks reach only the routes that are added after them. */
  prepare?: (app: App) => Promise<void>
  /** What to show as the OpenAPI document, made of this app's own. */
  document?: (own: object) => object
}

/**
 * A Fastify app with what every service shares: strict validation, RFC 9457 problems, exact JSON numbers,
 * request ids (kept or made, logged, answered), the OpenAPI document at /openapi.json and Swagger UI at /docs.
 */
export async function createApp(
  about: { title: string; description: string },
  log: Logger,
  { telemetry, answerFirst, prepare, document = own => own, ...options }: AppOptions = {},
): Promise<App> {
  const app: App = Fastify({
    ...options,
    serverFactory: serve => {
      // Node itself would answer without a body what has no Host, or expects what it does not know.
      const options = { keepAliveTimeout: idleMsMax, requireHostHeader: false }
      const server = createServer(options, (request, response) => {
        if (!answerFirst?.(request, response)) serve(request, response)
      })
      return server.on('checkExpectation', (...asked) => server.emit('request', ...asked))
    },
    loggerInstance: log as FastifyBaseLogger,
    bodyLimit: bodyBytesMax,
    // Fastify would write two lines for each request; writeAccessLog writes one.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: requestIdOf,
    forceCloseConnections: 'idle',
    // What still comes on an open connection while the app closes is served, and told to come elsewhere next.
    return503OnClosing: false,
    clientErrorHandler: answerClientError(log),
    // A path that is no URL comes past every hook.
    frameworkErrors: (error, request, reply) =>
      void handleError(error, request, reply.header('x-request-id', request.id)),
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.setValidatorCompiler(compileValidator)
  app.setErrorHandler(handleError)
  answerNotFound(app)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done(request.raw.httpVersion === '1.1' && request.headers.host === undefined ? noHost() : undefined)
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      const problem = encodingProblem(request.headers['content-encoding'])
      if (problem) throw problem
      return readJson(body)
    },
  )

  app.decorateRequest('about', undefined)
  writeAccessLog(app)
  const observer = telemetry && observeHttp(telemetry)
  if (observer) watchRequests(app, observer)
  app.decorate('answerPart', partAnswerer(log, observer))
  drainOnClose(app)
  await prepare?.(app)
  app.addSchema(ProblemSchema)
  await registerDocument(app, about, document)
  return app
}

const noHost = () =>
  new Problem(400, 'invalid_request', 'The request has no Host header, which HTTP/1.1 asks for.')

/** The `response` part of a route's schema: its own answers, and a problem for every status named. */
export function answers<Own extends Record<number, unknown>>(own: Own, ...problems: number[]): Own {
  const problem = { content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } } }
  return {
    ...Object.fromEntries(
      problems.map(status => [status, { description: meaningOf[status] ?? 'Problem', ...problem }]),
    ),
    ...own,
  }
}

export const meaningOf: Record<number, string> = {
  400: 'The request is not valid; `errors` names each field and what is wrong with it',
  401: 'The operator token is missing or wrong',
  403: 'The operator API is off: no OPERATOR_TOKEN is set',
  404: 'There is nothing of that id',
  409: 'It exists already',
  413: 'The body is larger than 64 KiB',
  415: 'The body is not `application/json`, or is encoded',
  422: 'The request is understood, and refused; `code` says why',
  429: 'Too many requests; `Retry-After` says when to come back',
  500: 'A mistake on our side; its log is found by `request_id`',
  503: 'What this call needs is unavailable or overloaded; try again after `Retry-After`',
}
