import type { KafkaMessage } from 'kafkajs'
import { expect, test } from 'vitest'
import { toIncoming } from './kafkajs-message.ts'

test('a header without a value, as Debezium sends for a column that is null, counts as absent', () => {
  const headers = { ce_id: Buffer.from('1'), traceparent: null } as unknown as KafkaMessage['headers']
  const message = {
    offset: '1',
    timestamp: '1',
    key: null,
    value: null,
    attributes: 0,
    headers,
  } as KafkaMessage
  expect(toIncoming('topic', 0, message).headers).toEqual({ ce_id: '1' })
})
