import { parseConfig } from 'edge/config'
import { expect, test } from 'vitest'
import { GatewayConfig } from './config.ts'

test('a turn of the audit works for a minute at most', () => {
  const read = (INTEGRITY_TURN: string) => parseConfig(GatewayConfig, { INTEGRITY_TURN }).INTEGRITY_TURN
  for (const turn of ['1s', '30s', '60s', '1m']) expect(read(turn)).toBe(turn)
  for (const turn of ['0s', '61s', '2m', '1h']) expect(() => read(turn)).toThrow('INTEGRITY_TURN')
})
