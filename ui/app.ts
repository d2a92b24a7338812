import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import helmet from '@fastify/helmet'
import httpProxy from '@fastify/http-proxy'
import serveStatic from '@fastify/static'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import { distFolder } from './build.ts'

/**
 * The proxy asks ten times more where a GET is answered 503, and takes seconds of Retry-After for milliseconds: who is
 * overloaded got eleven calls for each, and the browser heard of a service that is down after 20 s and more.
 */
const askedOnce = { retryDelay: () => null }

/**
 * Serves the built app, and the gateway under /api. One origin for both (instead of CORS) needs no preflight per
 * order, lets `connect-src 'self'` name no host, and needs one open port where the browser is on another machine.
 */
export async function openApp(
  config: { GATEWAY_URL: string; CURRENCY: string },
  /** Where each service's operator API is. Only for an address that the public cannot reach. */
  operator?: Record<string, string>,
): Promise<FastifyInstance> {
  const page = (await readFile(join(distFolder, 'index.html'), 'utf8'))
    .replace('data-currency="USD"', `data-currency="${config.CURRENCY}"`)
    .replace('data-operator="off"', `data-operator="${operator ? 'on' : 'off'}"`)
  // Live streams stay open for ever, so closing must not wait for them.
  const app = Fastify({ forceCloseConnections: true })
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = error.statusCode ?? 500
    const code = status >= 500 ? 'gateway_unreachable' : 'invalid_request'
    const detail =
      status >= 500
        ? `${servedBy(request.url)} does not answer. It may be starting; try again.`
        : error.message
    return reply
      .code(status >= 500 ? 502 : status)
      .type('application/problem+json')
      .send({
        type: `urn:order-payments:problem:${code}`,
        title: code === 'gateway_unreachable' ? 'Gateway unreachable' : 'Invalid request',
        status: status >= 500 ? 502 : status,
        detail,
        code,
      })
  })

  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'script-src': ["'self'"],
        'style-src': ["'self'"],
        'img-src': ["'self'"],
        'font-src': ["'self'"],
        'connect-src': ["'self'"],
        'base-uri': ["'none'"],
        'form-action': ["'self'"],
        'frame-ancestors': ["'none'"],
      },
    },
    // TLS, where there is any, ends in front of this server.
    strictTransportSecurity: false,
  })
  await app.register(httpProxy, {
    upstream: config.GATEWAY_URL,
    prefix: '/api',
    rewritePrefix: '',
    replyOptions: {
      ...askedOnce,
      // The gateway limits calls by address, so it needs the browser's and not this server's.
      rewriteRequestHeaders: (request, headers) => ({ ...headers, 'x-forwarded-for': request.ip }),
    },
  })
  for (const [service, upstream] of Object.entries(operator ?? {})) {
    const prefix = `/operator/${service}`
    await app.register(httpProxy, { upstream, prefix, rewritePrefix: '/operator', replyOptions: askedOnce })
  }
  await app.register(serveStatic, {
    root: distFolder,
    index: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const hashed = path.startsWith(join(distFolder, 'assets'))
      reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  app.get('/health', async () => ({ service: 'ui', status: 'up' }))
  app.get('/', async (_request, reply) => sendPage(reply))
  app.setNotFoundHandler(async (request, reply) => {
    const isPage = request.method === 'GET' && !/\.\w+$/.test(request.url.split('?')[0] ?? '')
    return isPage ? sendPage(reply) : reply.code(404).type('text/plain').send('There is no such file here.\n')
  })
  return app

  function sendPage(reply: FastifyReply) {
    return reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(page)
  }
}

const servedBy = (url: string): string => {
  const [, service] = /^\/operator\/(\w+)/.exec(url) ?? []
  return service ? `The ${service} service` : 'The gateway'
}
