import type { IncomingMessage } from 'messaging/transport'
import { describe, expect, test } from 'vitest'
import { readOrderEvent } from './order-event.ts'

const payload = {
  order_id: '0198',
  user_id: 7,
  amount: 10.5,
  status: 'FINISHED',
  timestamp: '2026-01-01T00:00:00Z',
}

function message(value: string | null, headers: Record<string, string> = {}): IncomingMessage {
  return {
    topic: 'order_status_updates',
    partition: 0,
    offset: 0n,
    key: '7',
    value: value === null ? null : Buffer.from(value),
    headers,
    timestamp: new Date(),
  }
}

describe('a message of order_status_updates', () => {
  test('is told as it lies in the topic, known by its CloudEvents id', () => {
    const value = JSON.stringify(payload)
    expect(readOrderEvent(message(value, { ce_id: 'e1' }))).toEqual({
      id: 'e1',
      userId: 7,
      text: `event: order\ndata: ${value}\n\n`,
    })
  })

  test('without headers is known by its order and status', () => {
    expect(readOrderEvent(message(JSON.stringify(payload)))?.id).toBe('0198/FINISHED')
  })

  test('of several lines stays one event', () => {
    const text =
      readOrderEvent(message(JSON.stringify(payload, null, 2).replaceAll('\n', '\r\n')))?.text ?? ''
    const [, data = ''] = text.split('\n')
    expect(text.trimEnd().split('\n')).toHaveLength(2)
    expect(JSON.parse(data.slice('data: '.length))).toEqual(payload)
  })

  test('that is no order status is passed over', () => {
    for (const value of [
      null,
      '',
      'x',
      'null',
      '[]',
      '7',
      '{}',
      '{"order_id":"a","status":"FINISHED","user_id":"7"}',
    ]) {
      expect(readOrderEvent(message(value)), String(value)).toBeUndefined()
    }
  })
})
