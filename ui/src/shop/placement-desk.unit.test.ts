import { describe, expect, it } from 'vitest'
import type { Order } from '../api/model.ts'
import { RequestFailed } from '../api/request.ts'
import { anOrder } from '../orders/order.fixture.ts'
import { memoryStore } from './memory-store.fixture.ts'
import { unanswered } from './placement.ts'
import { PlacementDesk } from './placement-desk.ts'

const draft = { userId: 7, amountMinor: '1050', description: '' }
const lost = () => new RequestFailed({ status: 0, code: 'unreachable', detail: 'Gone. Try again.' })
const refusal = () =>
  new RequestFailed({ status: 400, code: 'invalid_request', detail: 'amount is too large.' })

function aDesk(answers: (Order | RequestFailed)[]) {
  const keys: string[] = []
  const placed: Order[] = []
  const store = memoryStore()
  const place = async (_: unknown, key: string) => {
    keys.push(key)
    const answer = answers.shift() ?? lost()
    if (answer instanceof RequestFailed) throw answer
    return answer
  }
  const onPlaced = (order: Order) => void placed.push(order)
  const open = () => new PlacementDesk({ store, place, pause: async () => {}, onPlaced })
  return { keys, placed, store, open, desk: open() }
}

describe('the placement desk', () => {
  it('sends again under the same key when the answer was lost', async () => {
    const { desk, keys, placed, store } = aDesk([lost(), lost(), anOrder()])
    expect(await desk.place(draft)).toMatchObject({ kind: 'placed' })
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    expect(placed).toHaveLength(1)
    expect(unanswered(store)).toEqual([])
  })

  it('makes one order of two clicks', async () => {
    const { desk, keys } = aDesk([anOrder()])
    const [first, second] = await Promise.all([desk.place(draft), desk.place({ ...draft })])
    expect(second).toBe(first)
    expect(keys).toHaveLength(1)
  })

  it('takes a refusal as an answer, and the next try as a new order', async () => {
    const { desk, keys, store } = aDesk([refusal(), anOrder()])
    expect(await desk.place(draft)).toMatchObject({
      kind: 'refused',
      error: { message: 'amount is too large.' },
    })
    expect(unanswered(store)).toEqual([])
    await desk.place(draft)
    expect(new Set(keys).size).toBe(2)
  })

  it('keeps an order that was never answered, and sends it with its key after a reload', async () => {
    const { desk, keys, store, open } = aDesk([])
    expect(await desk.place(draft)).toEqual({ kind: 'unanswered' })
    expect(desk.onTheirWay).toMatchObject([{ state: 'unanswered', problem: 'Gone. Try again.' }])
    expect(unanswered(store)).toHaveLength(1)
    open().resume()
    expect(new Set(keys).size).toBe(1)
    expect(keys).toHaveLength(7)
  })
})
