import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { judgeClock } from './checks/clocks.ts'
import { judgePartitions } from './checks/partitions.ts'
import { judgeStandby } from './checks/reach.ts'
import { judgeService } from './checks/services.ts'
import { judgeSlots } from './checks/slots.ts'
import { judgeStatistics } from './checks/statistics.ts'
import { judgeTopic, type TopicState } from './checks/topics.ts'
import { conclude, type Finding, type Told, timeWords } from './finding.ts'
import { parseDoctorOptions } from './options.ts'
import { examinationLines } from './words.ts'

const levels = (findings: Finding[]) => findings.map(({ level, what }) => `${level} ${what}`)
const starts = (...texts: string[]) => texts.map(text => expect.stringContaining(text))

describe('a topic of three brokers', () => {
  const needs = { longestStopMs: 3 * 86_400_000, inboxRetentionMs: 30 * 86_400_000 }
  const sound: TopicState = {
    brokers: 3,
    replicas: 3,
    inSync: 3,
    leaderless: 0,
    minInSync: 2,
    isUnclean: false,
    cleanup: 'delete',
    retentionMs: 7 * 86_400_000,
    retentionBytes: undefined,
  }
  const judge = (more: Partial<TopicState>) => levels(judgeTopic('t', { ...sound, ...more }, needs))

  test('with three copies, two of which must have a message, is well', () => expect(judge({})).toEqual([]))

  test.each<[Partial<TopicState>, string[]]>([
    [{ replicas: 1, inSync: 1, minInSync: 1 }, ['fault It has one replica, though there are 3 brokers']],
    [{ minInSync: 1 }, ['fault min.insync.replicas is 1, with 3 replicas']],
    [{ minInSync: 3 }, ['advice min.insync.replicas is 3, as many as']],
    [{ minInSync: 4 }, ['fault min.insync.replicas is 4, and there are only 3']],
    [{ inSync: 2 }, ['advice Only 2 of 3 replicas are in sync']],
    [{ inSync: 1 }, ['fault Only 1 of 3 replicas are in sync']],
    [{ leaderless: 2 }, ['fault 2 of its partitions have no leader']],
    [
      { retentionMs: 31 * 86_400_000 },
      ['advice It keeps messages for 31 days; inboxes remember for 30 days'],
    ],
  ])('with %o is not', (more, expected) => expect(judge(more)).toEqual(starts(...expected)))

  test('is told a number of copies that loses nothing', () => {
    const [finding] = judgeTopic('t', { ...sound, minInSync: 1 }, needs)
    expect(finding?.next).toContain('--entity-name t --add-config min.insync.replicas=2')
  })
})

test('a slot is let be while it is read from, until it holds what fills a disk', () => {
  const slot = { name: 'debezium', isActive: true, walStatus: 'reserved', heldBytes: 1024 ** 3 }
  expect(judgeSlots([slot])).toEqual([])
  expect(levels(judgeSlots([{ ...slot, heldBytes: 5 * 1024 ** 3 }]))).toEqual(
    starts('fault Replication slot debezium holds 5120 MiB of WAL, and its reader is far behind'),
  )
  expect(judgeSlots([{ ...slot, isActive: false, heldBytes: null }])).toEqual([])
})

test('a standby is no place to write to', () => {
  expect(judgeStandby('db:5432/orders', false)).toEqual([])
  expect(levels(judgeStandby('db:5432/orders', true))).toEqual(starts('fault db:5432/orders is a standby'))
})

test('a service tells what it cannot reach; another program on its port is told apart', () => {
  const service = { name: 'orders', where: 'orders-service', url: 'http://localhost:1' }
  const kafka = { status: 'down' as const, duration_ms: 2000, detail: 'no answer within 2 s' }
  const health = { service: 'orders', status: 'down' as const, dependencies: { kafka } }
  expect(levels(judgeService(service, { kind: 'health', health }))).toEqual(
    starts('fault It runs, and says that it cannot reach kafka (no answer within 2 s)'),
  )
  const [stranger] = judgeService(service, { kind: 'stranger', status: 404 })
  expect(stranger).toMatchObject({ what: expect.stringContaining('/health gave 404') })
  expect(stranger?.next).toContain('ORDERS_URL or --orders')
})

test('a clock is judged by what the reading leaves no doubt of', () => {
  const judge = (aheadMs: number, withinMs: number) => levels(judgeClock({ where: '', aheadMs, withinMs }))
  expect(judge(2_400, 500)).toEqual([])
  expect(judge(-2_400, 300)).toEqual(starts('advice Its clock is 2 seconds behind'))
  expect(judge(61_000, 500)).toEqual(starts('fault Its clock is 1 minute ahead of'))
})

test('just after midnight the third day ahead is not due yet, and tomorrow is', () => {
  const now = new Date('2026-03-01T00:00:30Z')
  const days = ['outbox_20260301', 'outbox_20260302', 'outbox_20260303']
  expect(judgePartitions(days, now, false)).toEqual([])
  expect(levels(judgePartitions(days.slice(0, 2), now, false))).toEqual(starts('advice 1 partition'))
  expect(levels(judgePartitions(days.slice(0, 1), now, false))).toEqual(
    starts('fault 2 partitions of the outbox missing: outbox_20260302, outbox_20260303'),
  )
})

test('statistics are stale when most rows have changed and autovacuum has had its time', () => {
  const judge = (rows: number, changed: number, minutes: number | null) =>
    judgeStatistics([{ table: 'orders', rows, changed, analysedAgoMs: minutes && minutes * 60_000 }]).length
  expect([judge(9_999, 9_999, null), judge(50_000, 40_000, 2), judge(50_000, 10_000, 60)]).toEqual([0, 0, 0])
  expect([judge(50_000, 40_000, 60), judge(50_000, 0, null)]).toEqual([1, 1])
})

test('times are told in their largest unit', () => {
  expect([900, 1_000, 119_000, 7_200_000, 172_800_000].map(timeWords)).toEqual([
    '0 seconds',
    '1 second',
    '1 minute',
    '2 hours',
    '2 days',
  ])
})

describe('the command line', () => {
  test('says where all is, over what the environment says', () => {
    const line =
      '--orders-db postgres://ann:p%40ss@db:6000/shop --brokers k:1,k:2 --gateway http://g:1/ --longest-stop 5d --json'
    expect(parseDoctorOptions(line.split(' '), { KAFKA_BROKERS: 'old:1', HOST: 'h' })).toEqual({
      kind: 'options',
      options: {
        asJson: true,
        env: {
          HOST: 'h',
          ORDERS_DB_HOST: 'db',
          ORDERS_DB_PORT: '6000',
          ORDERS_DB_NAME: 'shop',
          ORDERS_DB_USER: 'ann',
          ORDERS_DB_PASSWORD: 'p@ss',
          KAFKA_BROKERS: 'k:1,k:2',
          GATEWAY_URL: 'http://g:1',
          LONGEST_STOP: '5d',
        },
      },
    })
  })

  test.each([['--orders-db', 'db:6000'], ['--payments-db', 'mysql://a@b/c'], ['--orders', '8081'], ['now']])(
    '%s %s is refused, with what would be right',
    (...line) => expect(parseDoctorOptions(line, {}).kind).toBe('mistake'),
  )
})

describe('what a person reads', () => {
  const finding: Told = {
    level: 'advice',
    check: 'topics',
    where: 'topic a',
    what: 'W.',
    means: 'M.',
    next: 'N.',
    page: 'docs/doctor.md',
  }
  const fault: Told = { ...finding, level: 'fault', where: 'Kafka', check: 'reach', what: 'Gone.' }

  test('begins with the worst, and says once what is so in several places', () => {
    const examination = conclude([], [finding, { ...finding, where: 'topic b' }, fault])
    expect(examination.status).toBe('faults')
    const lines = examinationLines(examination)
    expect(lines.filter(line => /^[A-Z]/.test(line))).toEqual([
      'FAULT   Kafka (reach)',
      'ADVICE  topic a, topic b (topics)',
    ])
    expect(lines.at(-1)).toMatch(/^1 fault, 2 pieces of advice/)
  })

  test('a note alone leaves all well', () => {
    expect(conclude([], [{ ...finding, level: 'note' }]).status).toBe('healthy')
    expect(examinationLines(conclude([], [])).at(-1)).toBe('Nothing is wrong.')
  })
})

test('every page that a finding leads to is there, and every check has its part of docs/doctor.md', () => {
  const root = join(import.meta.dirname, '../..')
  const headings = (path: string) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!.toLowerCase().replaceAll(' ', '-'),
    )
  const sources = globSync(join(import.meta.dirname, '**/*.ts')).filter(path => !path.includes('.test.'))
  const pages = sources.flatMap(path => readFileSync(path, 'utf8').match(/docs\/[\w/]+\.md(#[\w-]+)?/g) ?? [])
  expect(pages.length).toBeGreaterThan(10)
  const broken = pages.filter(page => {
    const [path, anchor] = page.split('#') as [string, string?]
    return !existsSync(join(root, path)) || (anchor !== undefined && !headings(path).includes(anchor))
  })
  expect(broken).toEqual([])
  const checks = globSync('*.ts', { cwd: join(import.meta.dirname, 'checks') }).map(name =>
    name.replace('.ts', ''),
  )
  expect(headings('docs/doctor.md')).toEqual(expect.arrayContaining(checks))
})
