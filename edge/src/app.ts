import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  type FastifySchema,
  type FastifyServerOptions,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify'
import type { TObject } from 'typebox'
import { writeAccessLog } from './access-log.ts'
import { answerClientError } from './client-error.ts'
import { drainOnClose } from './drain.ts'
import { encodingProblem, readJson } from './json-body.ts'
import type { Logger } from './log.ts'
import { answerNotFound } from './not-found.ts'
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
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { ...about, version: '0.1.0', license: { name: 'MIT', identifier: 'MIT' } },
      // Nobody signs in, but for the operators: see operator-routes.ts.
      security: [],
      components: { securitySchemes: { operatorToken: { type: 'http', scheme: 'bearer' } } },
    },
    transform: ({ schema, url }) => ({ url, schema: withOptionalDefaults(schema) }),
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema-${index}`),
    },
  })
  const shown = (own: object) => document(withNeededSchemes(own))
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    transformSpecification: shown,
    transformSpecificationClone: false,
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => shown(app.swagger()))
  return app
}

const noHost = () =>
  new Problem(400, 'invalid_request', 'The request has no Host header, which HTTP/1.1 asks for.')

/** A parameter with a default is always there for the route, and need not be for the client. */
function withOptionalDefaults(schema: FastifySchema): FastifySchema {
  const query = schema?.querystring as TObject | undefined
  if (!query?.required) return schema
  const required = query.required.filter(name => !('default' in (query.properties[name] ?? {})))
  return { ...schema, querystring: { ...query, required } }
}

/** Where no call needs the operator token, /docs has no button to enter it. */
function withNeededSchemes({ components, ...own }: OwnDocument): OwnDocument {
  const calls = Object.values(own.paths ?? {}).flatMap(path => Object.values(path))
  if (calls.some(({ security }) => security)) return { ...own, components }
  return { ...own, components: { ...components, securitySchemes: undefined } }
}
type OwnDocument = {
  paths?: Record<string, Record<string, { security?: unknown }>>
  components?: { securitySchemes?: unknown }
}

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
