import type { Preview } from 'edge/operator-schema'
import { expect, test } from 'vitest'
import { wouldRelease } from './words.ts'

const after = (...outcomes: Preview['steps'][number]['outcome'][]) =>
  wouldRelease({
    steps: outcomes.map(outcome => ({ id: '1', event_id: 'e', offset: '0', outcome, reason: null })),
    changes: [],
    events: [],
    is_capped: false,
  })

test('a dry run tells of a key that would be free only where nothing of it fails', () => {
  expect(after('discarded')).toBe(true)
  expect(after('handled', 'handled')).toBe(true)
  expect(after('failed', 'not_tried')).toBe(false)
  expect(after('discarded', 'parked')).toBe(false)
  expect(after('handled', 'parked', 'not_tried')).toBe(false)
})
