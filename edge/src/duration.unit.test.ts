import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { ConfigError, parseConfig } from './config.ts'
import { Duration, millisecondsOf } from './duration.ts'

test.each([
  ['10s', 10_000],
  ['5m', 300_000],
  ['12h', 43_200_000],
  ['30d', 2_592_000_000],
])('%s is %d ms', (duration, ms) => {
  expect(millisecondsOf(duration)).toBe(ms)
})

test.each(['30', '0d', '-1d', '1.5h', '1w', 'd', '10000d'])(
  '%s is refused when the configuration is read',
  duration => {
    const read = () =>
      parseConfig(Type.Object({ INBOX_RETENTION: Duration('30d') }), { INBOX_RETENTION: duration })
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(`INBOX_RETENTION=${duration}`)
  },
)
