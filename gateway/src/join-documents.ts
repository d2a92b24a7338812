import { isDeepStrictEqual } from 'node:util'
import { meaningOf } from 'edge/app'
import { pathForm, publicCalls } from './public-calls.ts'

type Operation = { operationId?: string; tags?: string[]; responses?: object }
export type ApiDocument = {
  info?: { description?: string }
  paths?: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, unknown> }
  tags?: { name: string }[]
}
type Part = { name: string; document: ApiDocument | undefined }

const schemaPrefix = '#/components/schemas/'

/** The door's own answer, which no service knows of. */
const tooManyRequests = {
  description: meaningOf[429],
  content: { 'application/problem+json': { schema: { $ref: `${schemaPrefix}Problem` } } },
}

/**
 * Joins the gateway's own document with the public calls of each service. A schema that two services call by one
 * name but mean differently is renamed after its service; one that nobody refers to is left out. Pure.
 */
export function joinDocuments(own: ApiDocument, parts: Part[]): ApiDocument {
  const paths = structuredClone(own.paths ?? {})
  const schemas = structuredClone(own.components?.schemas ?? {})
  const operationIds = new Set(operationsOf(paths).map(({ operationId }) => operationId))
  for (const { name, document } of parts) {
    if (!document) continue
    const chosen = choosePublic(name, document)
    const { renamed, needed } = settleNames(name, chosen, document.components?.schemas ?? {}, schemas)
    const named = renameReferences({ chosen, needed }, renamed)
    for (const [schema, content] of Object.entries(named.needed))
      schemas[renamed.get(schema) ?? schema] = content
    for (const operation of operationsOf(named.chosen)) {
      if (!operation.operationId) continue
      if (operationIds.has(operation.operationId)) operation.operationId = `${name}_${operation.operationId}`
      operationIds.add(operation.operationId)
    }
    for (const operation of operationsOf(named.chosen))
      operation.responses = { ...operation.responses, 429: tooManyRequests }
    for (const [path, item] of Object.entries(named.chosen)) paths[path] = { ...paths[path], ...item }
  }
  return {
    ...own,
    info: { ...own.info, description: describe(own, parts) },
    paths,
    components: { ...own.components, schemas },
    tags: [...new Set(operationsOf(paths).flatMap(({ tags = [] }) => tags))].map(name => ({ name })),
  }
}

function choosePublic(service: string, { paths = {} }: ApiDocument): NonNullable<ApiDocument['paths']> {
  const open = new Set(
    publicCalls
      .filter(call => call.service === service)
      .map(({ method, url }) => `${method} ${pathForm(url)}`),
  )
  const chosen = Object.entries(paths).map(([path, item]) => {
    const operations = Object.entries(item).filter(([method]) =>
      open.has(`${method.toUpperCase()} ${pathForm(path)}`),
    )
    return [path, Object.fromEntries(operations)] as const
  })
  return Object.fromEntries(chosen.filter(([, item]) => Object.keys(item).length > 0))
}

/** The schemas that `chosen` needs, and new names for those whose name means something else already. */
function settleNames(
  service: string,
  chosen: unknown,
  theirs: Record<string, unknown>,
  taken: Record<string, unknown>,
): { renamed: Map<string, string>; needed: Record<string, unknown> } {
  const needed: Record<string, unknown> = {}
  const wanted = referencesIn(chosen)
  // Grows while it is walked; bounded by the number of their schemas, since each is taken up once.
  for (const name of wanted) {
    if (!(name in theirs) || name in needed) continue
    needed[name] = theirs[name]
    for (const inner of referencesIn(theirs[name])) wanted.add(inner)
  }
  const clashes = Object.keys(needed).filter(
    name => name in taken && !isDeepStrictEqual(needed[name], taken[name]),
  )
  return {
    needed,
    renamed: new Map(clashes.map(name => [name, freeName(`${service}_${name}`, taken, needed)])),
  }
}

function freeName(name: string, ...taken: Record<string, unknown>[]): string {
  return taken.some(names => name in names) ? freeName(`${name}_`, ...taken) : name
}

function referencesIn(value: unknown): Set<string> {
  const found = JSON.stringify(value ?? null).matchAll(/"\$ref":"#\/components\/schemas\/([^"/]+)"/g)
  return new Set([...found].map(([, name = '']) => name))
}

function renameReferences<Value>(value: Value, renamed: Map<string, string>): Value {
  const rename = (key: string, inner: unknown) => {
    if (key !== '$ref' || typeof inner !== 'string' || !inner.startsWith(schemaPrefix)) return inner
    const name = inner.slice(schemaPrefix.length)
    return schemaPrefix + (renamed.get(name) ?? name)
  }
  return JSON.parse(JSON.stringify(value), rename) as Value
}

const operationsOf = (paths: NonNullable<ApiDocument['paths']>): Operation[] =>
  Object.values(paths).flatMap(item => Object.values(item))

function describe(own: ApiDocument, parts: Part[]): string {
  const missing = parts.filter(({ document }) => !document).map(({ name }) => name)
  const description = own.info?.description ?? ''
  return missing.length === 0
    ? description
    : `${description}\n\nThe calls of ${missing.join(' and ')} are missing here: it has not answered since this gateway started.`
}
