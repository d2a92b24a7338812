import { describe, expect, test } from 'vitest'
import { asyncApiDocument } from './asyncapi.ts'
import { readers } from './consumers.ts'
import { releasedSchemas } from './contract-fixture.ts'
import { lacks, type Schema } from './lacks.ts'
import { type Topic, topics } from './messages.ts'

const names = Object.keys(topics) as Topic[]
const today = (topic: Topic) => JSON.parse(JSON.stringify(topics[topic].payload)) as Schema

test('docs/asyncapi.json is what the code says', async () => {
  // Where this fails, a message has changed: read docs/contracts.md, then write the file anew with vitest -u.
  await expect(`${JSON.stringify(asyncApiDocument(), null, 2)}\n`).toMatchFileSnapshot(
    '../../../docs/asyncapi.json',
  )
})

describe.each(names)('%s', topic => {
  test.each(releasedSchemas(topic))('has gained nothing but optional fields since $version', ({ schema }) => {
    expect(lacks(today(topic), schema), 'what was promised is gone').toEqual([])
    expect(lacks(schema, today(topic)), 'messages that lie in the topic are not what it says now').toEqual([])
  })

  test('was released at least once', () => expect(releasedSchemas(topic).length).toBeGreaterThan(0))

  test('old messages are what its readers read today', () => {
    for (const { consumer, topic: of, reads } of readers) {
      if (of !== topic) continue
      for (const { schema } of releasedSchemas(topic))
        expect(lacks(schema, reads as Schema), consumer).toEqual([])
    }
  })
})

describe('a change of a message', () => {
  const schema: Schema = today('payment_status_updates')
  const changed = (fields: Record<string, Schema | undefined>, required = schema.required ?? []) => ({
    ...schema,
    properties: JSON.parse(JSON.stringify({ ...schema.properties, ...fields })) as Record<string, Schema>,
    required: required.filter(name => !(name in fields && fields[name] === undefined)),
  })
  const broken = (next: Schema) => [...lacks(next, schema), ...lacks(schema, next)]

  test('may add a field that can be left out', () => {
    expect(broken(changed({ fee: { type: 'number' } }))).toEqual([])
  })

  test.each<[string, Schema, RegExp]>([
    ['takes a field away', changed({ timestamp: undefined }), /timestamp is missing/],
    [
      'adds one that must be there',
      changed({ fee: { type: 'number' } }, [...(schema.required ?? []), 'fee']),
      /fee is missing/,
    ],
    ['makes one optional', changed({}, ['order_id']), /status may be left out/],
    ['gives one another type', changed({ user_id: { type: 'string' } }), /user_id may be string/],
    ['adds a value', changed({ status: { enum: ['SUCCESS', 'FAILED', 'LATER'] } }), /status may be LATER/],
    ['takes a bound away', changed({ user_id: { type: 'integer' } }), /user_id may be less than 1/],
    ['gives one another format', changed({ order_id: { type: 'string' } }), /order_id has format none/],
  ])('is refused where it %s', (_, next, told) => {
    expect(broken(next).join('\n')).toMatch(told)
  })
})

describe('what is lacking', () => {
  test.each<[Schema, Schema, string[]]>([
    [{ type: 'integer' }, { type: 'number' }, []],
    [{ type: 'number' }, { type: 'integer' }, ['it may be number, and must be integer']],
    [{ type: ['string', 'null'] }, { type: 'string' }, ['it may be null, and must be string']],
    [{}, { type: 'string' }, ['it may be anything, and must be string']],
    [{ enum: ['a'] }, { type: 'string' }, []],
    [{ anyOf: [{ const: 'a' }, { const: 'b' }] }, { enum: ['a', 'b', 'c'] }, []],
    [{ type: 'string' }, { enum: ['a'] }, ['it may be anything, and must be one of a']],
    [{ $ref: '#/x' }, { type: 'string' }, []],
    [
      { type: 'array', items: { type: 'number' } },
      { type: 'array', items: { type: 'string' } },
      ['it[] may be number, and must be string'],
    ],
    [
      { type: 'object', additionalProperties: { type: 'number' } },
      { patternProperties: { '^.*$': { type: 'string' } } },
      ['it.* may be number, and must be string'],
    ],
    [
      { type: 'object', properties: { more: {} } },
      { properties: {}, additionalProperties: false },
      ['it.more is not taken'],
    ],
  ])('%j for %j: %j', (given, needed, told) => {
    expect(lacks(given, needed, () => ({ type: 'string' }))).toEqual(told)
  })
})
