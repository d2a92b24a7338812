import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { isInfrastructureError, RaceLostError } from './infrastructure-error.ts'

const coded = (code: string, message = 'broken') => Object.assign(new Error(message), { code })

describe('what we stand on is broken', () => {
  const states = [
    ['08006', 'connection_failure'],
    ['26000', 'invalid_sql_statement_name'],
    ['28P01', 'invalid_password'],
    ['3D000', 'invalid_catalog_name'],
    ['40001', 'serialization_failure'],
    ['40P01', 'deadlock_detected'],
    ['42P01', 'undefined_table'],
    ['42P05', 'duplicate_prepared_statement'],
    ['53100', 'disk_full'],
    ['53300', 'too_many_connections'],
    ['55P03', 'lock_not_available'],
    ['57014', 'query_canceled'],
    ['57P01', 'admin_shutdown'],
    ['57P03', 'cannot_connect_now'],
    ['58030', 'io_error'],
    ['25006', 'read_only_sql_transaction'],
    ['XX001', 'data_corrupted'],
    ['ECONNREFUSED', 'socket'],
    ['EMFILE', 'no file handles left'],
    ['ENETDOWN', 'in the middle of a commit'],
    ['EHOSTDOWN', 'in the middle of a commit'],
  ]
  test.each(states)('%s %s', code => expect(isInfrastructureError(coded(code))).toBe(true))

  const messages = [
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
    'Cannot use a pool after calling end on the pool',
    'Postgres connection has been discarded',
  ]
  test.each(messages)('%s', message => expect(isInfrastructureError(new Error(message))).toBe(true))

  test('a session that is ended, whatever the code: PgBouncer has one for all that befalls it', () => {
    const ended = Object.assign(coded('08P01', 'query_wait_timeout'), { severity: 'FATAL' })
    expect(isInfrastructureError(ended)).toBe(true)
    expect(isInfrastructureError(Object.assign(ended, { severity: 'ERROR' }))).toBe(false)
  })

  test('whoever is not reached, whatever the code: a Unix socket is no file while PostgreSQL restarts', async () => {
    const error = await new Promise(resolve => connect('/nowhere/.s.PGSQL.5432').once('error', resolve))
    expect(error).toMatchObject({ code: 'ENOENT' })
    expect(isInfrastructureError(error)).toBe(true)
    expect(isInfrastructureError(coded('ENOENT', 'a handler looks for a file'))).toBe(false)
  })

  test('as a cause, or among several', () => {
    expect(isInfrastructureError(new Error('outer', { cause: coded('57P01') }))).toBe(true)
    expect(isInfrastructureError(new AggregateError([new Error('x'), coded('ECONNREFUSED')]))).toBe(true)
    expect(isInfrastructureError(new RaceLostError('first'))).toBe(true)
  })
})

describe('the work itself is wrong', () => {
  const states = [
    ['22003', 'numeric_value_out_of_range'],
    ['22021', 'character_not_in_repertoire'],
    ['23505', 'unique_violation'],
    ['23514', 'check_violation'],
    ['42601', 'syntax_error'],
    ['25P02', 'in_failed_sql_transaction'],
    ['08P01', 'protocol_violation: too many parameters'],
    ['P0001', 'raise_exception'],
    ['ENOENT', 'a file'],
  ]
  test.each(states)('%s %s', code => expect(isInfrastructureError(coded(code))).toBe(false))
  test.each([new TypeError('x'), 'Connection terminated', null, undefined, { code: '57P01' }])('%s', thrown =>
    expect(isInfrastructureError(thrown)).toBe(false),
  )
})
