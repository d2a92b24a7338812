import { readFileSync } from 'node:fs'
import newman from 'newman'
import { startSystem } from 'scripts/test-infrastructure'
import { expect, test } from 'vitest'

type Item = { name: string; item?: Item[]; request?: { method: string; url: { path: string[] } } }
type Document = { paths: Record<string, Record<string, unknown>> }

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../postman/${name}`, import.meta.url), 'utf8'))
const collection = read('order-payments.postman_collection.json') as { item: Item[] }
const environment = read('local.postman_environment.json') as object

const requestMsMax = 10_000

test('every assertion of the Postman collection holds, also when it is run again on the same system', async () => {
  const { gatewayUrl } = await startSystem()
  for (let run = 0; run < 2; run++) {
    const { stats, failures } = await runCollection(gatewayUrl)
    expect(
      failures.map(({ source, error }) => `${source?.name}: ${error.test ?? error.name}: ${error.message}`),
    ).toEqual([])
    expect(stats.requests.total).toBeGreaterThanOrEqual(requestsIn(collection.item).length - 1)
    expect(stats.assertions.total).toBeGreaterThan(100)
  }
})

test('the Postman collection has a request for every operation of the OpenAPI document', async () => {
  const { gatewayUrl } = await startSystem()
  const { paths } = (await (await fetch(`${gatewayUrl}/openapi.json`)).json()) as Document
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map(method => ({ method: method.toUpperCase(), path })),
  )
  expect(operations.length).toBeGreaterThanOrEqual(12)
  const requests = requestsIn(collection.item)
  expect(operations.filter(operation => !requests.some(request => covers(request, operation)))).toEqual([])
})

function requestsIn(items: Item[]): NonNullable<Item['request']>[] {
  return items.flatMap(({ item, request }) => [
    ...(item ? requestsIn(item) : []),
    ...(request ? [request] : []),
  ])
}

/** A parameter of the path is covered by a variable in its place, never by a word that is a call of its own. */
function covers(
  { method, url }: NonNullable<Item['request']>,
  operation: { method: string; path: string },
): boolean {
  const wanted = operation.path.slice(1).split('/')
  return (
    method === operation.method &&
    url.path.length === wanted.length &&
    wanted.every((segment, i) =>
      segment.startsWith('{') ? url.path[i]?.startsWith('{{') : url.path[i] === segment,
    )
  )
}

function runCollection(baseUrl: string) {
  const options = {
    collection,
    environment,
    envVar: [{ key: 'baseUrl', value: baseUrl }],
    reporters: [],
    timeoutRequest: requestMsMax,
  }
  return new Promise<Parameters<Parameters<typeof newman.run>[1]>[1]['run']>((resolve, reject) =>
    newman.run(options, (error, { run }) => (error ? reject(error) : resolve(run))),
  )
}
