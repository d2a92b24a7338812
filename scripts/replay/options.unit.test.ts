import { expect, test } from 'vitest'
import { parseReplayOptions } from './options.ts'

const parse = (...line: string[]) => parseReplayOptions(line, 'ana')

test('every way to choose can be combined; nothing is sent without --yes', () => {
  const range = [
    ...['--from-id', '10', '--to-id', '20', '--key', '7', '--topic', 'order_payment_tasks'],
    ...['--since', '2026-11-21T10:00:00Z', '--until', '2026-11-21T12:30:00.5+01:00'],
  ]
  expect(parse('orders', ...range, '--to', 'side-topic', '--why', 'disk lost')).toEqual({
    kind: 'options',
    options: {
      service: 'orders',
      range: {
        fromId: 10n,
        toId: 20n,
        key: '7',
        topic: 'order_payment_tasks',
        since: new Date('2026-11-21T10:00:00Z'),
        until: new Date('2026-11-21T11:30:00.500Z'),
      },
      toTopic: 'side-topic',
      isConfirmed: false,
      who: 'ana',
      why: 'disk lost',
    },
  })
  expect(parse('payments', '--from-id', '1', '--yes', '--who', 'ben')).toMatchObject({
    options: { service: 'payments', isConfirmed: true, who: 'ben', toTopic: undefined, why: null },
  })
})

test.each([
  [[], 'Say whose events: orders or payments.'],
  [['gateway', '--key', '7'], 'orders or payments, not "gateway".'],
  [['orders'], 'Say which events: at least one of'],
  [['orders', '--from-id', '0'], '--from-id is "0"; it must be a whole number from 1.'],
  [['orders', '--to-id', '1.5'], '--to-id is "1.5"'],
  [['orders', '--from-id', '9', '--to-id', '8'], '--from-id is after --to-id'],
  [['orders', '--since', 'yesterday'], '--since is "yesterday"; write a time with its zone'],
  [['orders', '--until', '2026-11-21T10:00:00'], '--until is "2026-11-21T10:00:00"'],
  [['orders', '--since', '2026-13-41T10:00:00Z'], '--since is'],
  [['orders', '--since', '2026-11-22T00:00Z', '--until', '2026-11-21T00:00Z'], '--since is after --until'],
  [['orders', '--key', '7', '--to', 'a topic'], '--to is "a topic", which cannot be a topic of Kafka.'],
  [['orders', '--key', '7', 'more'], '"more" is too much.'],
  [['orders', '--key', '7', '--why', ''], '--why is blank.'],
  [['orders', '--everything'], "Unknown option '--everything'"],
])('%j is refused, and told what would be right', (line, told) => {
  const parsed = parse(...line)
  expect(parsed.kind).toBe('mistake')
  expect((parsed as { text: string }).text).toContain(told)
})

test('all mistakes are told at once', () => {
  const { text } = parse('nobody', '--from-id', 'x', '--since', 'y') as { text: string }
  for (const told of ['Say whose events', '--from-id is', '--since is']) expect(text).toContain(told)
})
