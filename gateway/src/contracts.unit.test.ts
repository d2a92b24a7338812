import { gatewayCalls } from 'edge/contracts/calls'
import { OrderEventRead } from 'edge/contracts/consumers'
import { recordedMessages, reduced } from 'edge/contracts/contract-fixture'
import { describe, expect, test } from 'vitest'
import { readOrderEvent } from './events/order-event.ts'
import { pathForm, publicCalls } from './public-calls.ts'

test('every call that is passed on is one that we ask the service for', () => {
  const asked = (service: 'orders' | 'payments') =>
    gatewayCalls[service].map(({ method, path }) => `${method.toUpperCase()} ${pathForm(path)}`)
  for (const { service, method, url } of publicCalls)
    expect(asked(service)).toContain(`${method} ${pathForm(url)}`)
})

describe('status updates of every version of orders', () => {
  test.each(recordedMessages('order_status_updates'))('$headers.ce_type: $value', recorded => {
    const read = (message: object, headers: Record<string, string> = {}) =>
      readOrderEvent({
        ...{ topic: recorded.topic, partition: 0, offset: 0n, key: recorded.key, timestamp: new Date() },
        value: Buffer.from(JSON.stringify(message)),
        headers,
      })
    const userId = Number(recorded.key)
    const whole = JSON.parse(recorded.value) as object
    expect(read(whole, recorded.headers)).toMatchObject({ id: recorded.headers.ce_id, userId })
    const { bare, incomplete } = reduced(recorded, OrderEventRead)
    expect(read(bare)).toMatchObject({ id: read(whole)?.id, userId })
    expect(read({ ...whole, from_the_future: 1 })?.text).toContain('from_the_future')
    for (const [name, message] of incomplete) expect(read(message), name).toBeUndefined()
  })
})
