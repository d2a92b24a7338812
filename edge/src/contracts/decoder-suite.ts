import type { TObject } from 'typebox'
import { describe, expect, test } from 'vitest'
import { recordedMessages, reduced } from './contract-fixture.ts'
import type { Topic } from './messages.ts'

type Decode = (message: { value: Buffer }) => { ok: boolean }

/** For a consumer's own tests: it reads what every version published, and of it no more than its contract says. */
export function testDecoder(topic: Topic, decodeMessage: Decode, reads: TObject): void {
  const decode = (message: object) => decodeMessage({ value: Buffer.from(JSON.stringify(message)) })

  describe(`messages of every version in ${topic}`, () => {
    test.each(recordedMessages(topic))('$headers.ce_type: $value', recorded => {
      const decoded = decodeMessage({ value: Buffer.from(recorded.value) })
      expect(decoded).toMatchObject({ ok: true, id: recorded.headers.ce_subject })
      const { bare, incomplete } = reduced(recorded, reads)
      expect(decode(bare), 'we read no more than our contract says').toEqual(decoded)
      expect(decode({ ...bare, from_the_future: { any: ['thing'] } })).toEqual(decoded)
      for (const [name, message] of incomplete) expect(decode(message), name).toMatchObject({ ok: false })
    })
  })
}
