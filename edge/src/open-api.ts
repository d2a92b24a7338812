import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifySchema } from 'fastify'
import type { TObject } from 'typebox'
import type { App } from './app.ts'

/** At /openapi.json, and for people at /docs: what `document` makes of what the routes that come after say of themselves. */
export async function registerDocument(
  app: App,
  about: { title: string; description: string },
  document: (own: object) => object,
): Promise<void> {
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
}

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
