import { randomBytes } from 'node:crypto'
import type { Pool, PoolClient } from 'pg'
import type { Finding } from '../finding.ts'
import type { Database } from '../installation.ts'

/** Across a network a notification takes milliseconds. */
const heardMsMax = 2_000
const lostStatement = '26000'
const page = 'docs/doctor.md#pooler'

/** A pooler in transaction mode looks like the database, and is not: each transaction may meet another connection. */
export type PoolerBehaviour = { passesNotifications: boolean; keepsStatements: boolean }

export async function checkPooler({ pool }: Database): Promise<Finding[]> {
  const one = await pool.connect()
  const other = await pool.connect()
  try {
    const keepsStatements = await statementsLast(one, other)
    return judgePooler({ keepsStatements, passesNotifications: await isNotified(one, pool) })
  } finally {
    // Not given back to the pool: they listen, or are in the middle of something that failed.
    one.release(true)
    other.release(true)
  }
}

/** As two instances of a service do: one listens, another notifies. */
async function isNotified(listener: PoolClient, pool: Pool): Promise<boolean> {
  const channel = `doctor_${randomBytes(8).toString('hex')}`
  let timer: NodeJS.Timeout | undefined
  const heard = new Promise<boolean>(resolve => {
    listener.on('notification', ({ channel: of }) => of === channel && resolve(true))
    timer = setTimeout(resolve, heardMsMax, false)
  })
  try {
    await listener.query(`listen ${channel}`)
    await pool.query(`notify ${channel}`)
    return await heard
  } finally {
    clearTimeout(timer)
  }
}

/** A statement that one client has prepared, while another client's transaction holds the connection it was on. */
async function statementsLast(one: PoolClient, other: PoolClient): Promise<boolean> {
  const statement = { name: `doctor_${randomBytes(8).toString('hex')}`, text: 'select $1::int', values: [1] }
  await one.query(statement)
  await other.query('begin; select 1')
  try {
    await one.query(statement)
    return true
  } catch (error) {
    if (Object(error).code !== lostStatement) throw error
    return false
  } finally {
    await other.query('rollback')
  }
}

function judgePooler({ passesNotifications, keepsStatements }: PoolerBehaviour): Finding[] {
  const findings: Finding[] = []
  if (!keepsStatements) {
    findings.push({
      level: 'fault',
      what: 'A prepared statement is gone when its client comes back to it: a pooler in transaction mode stands between.',
      means: 'Statements of the services fail, as soon as several clients work at once.',
      next: 'PgBouncer: version 1.21 or newer with max_prepared_statements above 0. Or connect past the pooler, or in session mode.',
      page,
    })
  }
  if (!passesNotifications) {
    findings.push({
      level: 'advice',
      what: 'A NOTIFY does not reach a connection that LISTENs: a pooler in transaction mode stands between.',
      means:
        'With several instances, the relay that owns the outbox is not woken by the others and polls: their events go out up to a second later. Nothing is lost.',
      next: 'Connect the services past the pooler or in session mode, or live with the second.',
      page,
    })
  }
  return findings
}
