import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { type Call, gatewayCalls } from './calls.ts'
import { readers } from './consumers.ts'
import { lacks, type Schema } from './lacks.ts'
import { type Topic, topics } from './messages.ts'

/** For the tests of both sides of a contract. */

const released = join(import.meta.dirname, 'released')
const readJson = (name: string) => JSON.parse(readFileSync(join(released, name), 'utf8'))

export type Recorded = { topic: Topic; key: string; headers: Record<string, string>; value: string }

/** Messages as they lay in the topics of every version that was released. */
export const recordedMessages = (topic: Topic): Recorded[] =>
  globSync('messages-*.json', { cwd: released })
    .flatMap(name => readJson(name) as Recorded[])
    .filter(message => message.topic === topic)

type Document = { components: { messages: Record<Topic, { payload: Schema }> } }

/** The schemas of a topic's payload in every version that was released. */
export const releasedSchemas = (topic: Topic): { version: string; schema: Schema }[] =>
  globSync('asyncapi-*.json', { cwd: released }).map(version => ({
    version,
    schema: (readJson(version) as Document).components.messages[topic].payload,
  }))

/** What the contract says, and nothing more; and the same without each thing that it cannot do without. */
export function reduced(message: Recorded, reads: { properties: object; required?: readonly string[] }) {
  const fields = Object.entries(JSON.parse(message.value) as object)
  const named = fields.filter(([name]) => name in reads.properties)
  const without = (name: string) => Object.fromEntries(named.filter(([field]) => field !== name))
  return {
    bare: Object.fromEntries(named),
    incomplete: (reads.required ?? []).map(name => [name, without(name)] as const),
  }
}

const ajv = new Ajv({ strict: false, validateFormats: false, multipleOfPrecision: 6 })

/** What a message that is to be published has that its schema does not say, or lacks that it says. */
export function differences(topic: Topic, event: { type: string; payload: object }): string[] {
  const { events, payload: schema } = topics[topic]
  const known = { ...schema, additionalProperties: false }
  ajv.validate(known, event.payload)
  return [
    ...((events as readonly string[]).includes(event.type) ? [] : [`${event.type} is no event of ${topic}`]),
    ...(ajv.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`),
  ]
}

/** What consumers read of the topics that `provider` publishes and its schemas do not promise. */
export const missedByReaders = (provider: string): string[] =>
  readers
    .filter(({ topic }) => topics[topic].from === provider)
    .flatMap(({ consumer, topic, reads }) =>
      lacks(topics[topic].payload as Schema, reads as Schema).map(
        what => `${consumer} reads ${topic}: ${what}`,
      ),
    )

type Operation = {
  parameters?: { name: string; in: string }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>
}
type OpenApi = {
  paths: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, Schema> }
}

/** What the gateway uses of a service and its OpenAPI document does not promise. */
export function missedByGateway(service: 'orders' | 'payments', document: object): string[] {
  const { paths, components } = document as OpenApi
  const resolve = (ref: string) => components?.schemas?.[ref.replace('#/components/schemas/', '')] ?? {}
  return gatewayCalls[service].flatMap(call => {
    const operation = paths[call.path]?.[call.method]
    const told = operation ? missed(call, operation, resolve) : ['there is no such call']
    return told.map(what => `${call.method.toUpperCase()} ${call.path}: ${what}`)
  })
}

function missed(
  { query = [], sends, reads }: Call,
  operation: Operation,
  resolve: (ref: string) => Schema,
): string[] {
  const taken = operation.parameters?.filter(each => each.in === 'query').map(({ name }) => name) ?? []
  const json = 'application/json'
  const body = operation.requestBody?.content[json]?.schema
  const answer = operation.responses['200']?.content?.[json]?.schema
  return [
    ...query.filter(name => !taken.includes(name)).map(name => `it does not take ${name}`),
    ...(sends ? lacks(sends as Schema, body ?? {}).map(what => `the body that is sent: ${what}`) : []),
    ...(reads ? lacks(answer ?? {}, reads as Schema, resolve).map(what => `the answer: ${what}`) : []),
  ]
}
