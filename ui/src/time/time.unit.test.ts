import { describe, expect, it } from 'vitest'
import { elapsed } from './time.ts'

describe('elapsed time', () => {
  it.each([
    [0.4, '<1 ms'],
    [38.4, '38 ms'],
    [1_250, '1.25 s'],
    [12_340, '12.3 s'],
    [75_000, '1 min 15 s'],
    [3_700_000, '1 h 1 min'],
    [200_000_000, '2 days'],
  ])('of %d ms reads %s', (ms, text) => expect(elapsed(ms)).toBe(text))
})
