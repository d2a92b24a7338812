import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TextRing } from './text-ring.ts'

/** Of one to four bytes a character, so that the ring's end falls into the middle of some. */
const text = fc.string({ unit: fc.constantFrom('a', 'ö', '€', '😀'), maxLength: 40 })

test('whatever is appended and dropped, each text that is held is read as it came', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(text, fc.constant(undefined)), { maxLength: 100 }), steps => {
      const ring = new TextRing(16)
      const held: { from: number; text: string }[] = []
      for (const step of steps) {
        if (step === undefined) held.shift()
        else held.push({ from: ring.end, text: step })
        if (step !== undefined) ring.append(Buffer.from(step))
        ring.dropBefore(held[0]?.from ?? ring.end)
        const ends = [...held.slice(1).map(({ from }) => from), ring.end]
        expect(held.map(({ from }, i) => ring.read(from, ends[i]!))).toEqual(held.map(each => each.text))
        expect(ring.bytes).toBe(Buffer.byteLength(held.map(each => each.text).join('')))
      }
    }),
  )
})

test('what is dropped makes room: a ring grows to twice what it holds at most', () => {
  const ring = new TextRing(16)
  for (let i = 0; i < 10_000; i++) {
    ring.append(Buffer.from('0123456789'))
    ring.dropBefore(Math.max(0, ring.end - 100))
  }
  expect(ring.capacity).toBeLessThanOrEqual(256)
})
