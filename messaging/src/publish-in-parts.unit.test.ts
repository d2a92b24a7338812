import fc from 'fast-check'
import { expect, test } from 'vitest'
import { partsOf, publishInParts } from './publish-in-parts.ts'
import type { OutgoingMessage } from './transport.ts'

const message = (value: string): OutgoingMessage => ({ topic: 't', key: 'k', value, headers: { scan: '1' } })

test('parts hold all messages in their order, none over the limit but a message by itself, and no two would fit in one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 60 })),
      fc.integer({ min: 1, max: 400 }),
      (values, bytesMax) => {
        const messages = values.map(message)
        const parts = partsOf(messages, bytesMax)
        expect(parts.flat()).toEqual(messages)
        for (const [i, part] of parts.entries()) {
          expect(part.length === 1 || partsOf(part, bytesMax).length === 1).toBe(true)
          const withNext = [...part, ...(parts[i + 1]?.slice(0, 1) ?? [])]
          if (withNext.length > part.length) expect(partsOf(withNext, bytesMax).length).toBe(2)
        }
      },
    ),
  )
})

test('what the broker refuses as too large is halved down to the message at fault; what comes before it is sent, once it fits', async () => {
  const tooLarge = new Error('too large')
  const stored: string[] = []
  const send = async (part: OutgoingMessage[]) => {
    if (part.reduce((sum, { value }) => sum + value.length, 0) > 10) throw tooLarge
    stored.push(...part.map(({ value }) => value))
  }
  const isTooLarge = (error: unknown) => error === tooLarge
  await publishInParts(['a', 'bbbb', 'cccc', 'dddd', 'e'].map(message), send, isTooLarge)
  expect(stored).toEqual(['a', 'bbbb', 'cccc', 'dddd', 'e'])
  stored.length = 0
  const withOneAtFault = ['a', 'b', 'x'.repeat(11), 'c'].map(message)
  await expect(publishInParts(withOneAtFault, send, isTooLarge)).rejects.toBe(tooLarge)
  expect(stored).toEqual(['a', 'b'])
})

test('another error is not tried again in halves', async () => {
  let calls = 0
  const down = new Error('down')
  const send = async () => {
    calls++
    throw down
  }
  await expect(publishInParts(['a', 'b'].map(message), send, () => false)).rejects.toBe(down)
  expect(calls).toBe(1)
})
