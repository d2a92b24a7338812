import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Frames } from './frames.ts'

const frame = (bytes: Uint8Array) => {
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}

test('however bytes are cut into chunks, all answers come whole and in order, and never a part of one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 4, maxLength: 20 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (answers, chunkSizes) => {
        const all = Buffer.concat(answers.map(frame))
        const ends = answers.map((_, index) => Buffer.concat(answers.slice(0, index + 1).map(frame)).length)
        const frames = new Frames()
        let given = 0
        let counted = 0
        for (let at = 0, turn = 0; at < all.length; turn++) {
          const size = chunkSizes[turn % chunkSizes.length]!
          const { bytes, count } = frames.add(all.subarray(at, at + size))
          expect(bytes).toEqual(all.subarray(given, given + bytes.length))
          given += bytes.length
          counted += count
          at += size
          expect(given).toBe(counted === 0 ? 0 : ends[counted - 1])
        }
        expect(counted).toBe(answers.length)
      },
    ),
  )
})

test('a size that no answer has is refused', () => {
  expect(() => new Frames().add(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow('-1 bytes')
  expect(() => new Frames().add(Buffer.from('HTTP/1.1 400 Bad Request'))).not.toThrow()
})
