import { recordedMessages } from 'edge/contracts/contract-fixture'
import { expect, it } from 'vitest'
import { parseOrderEvent } from './order-event.ts'

it.each(recordedMessages('order_status_updates'))(
  'shows $headers.ce_type of every version, with fields that it does not know',
  ({ value }) => {
    const whole = JSON.parse(value) as object
    expect(parseOrderEvent(value)).toEqual(whole)
    expect(parseOrderEvent(JSON.stringify({ ...whole, from_the_future: 1 }))).toMatchObject(whole)
  },
)
