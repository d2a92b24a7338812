/** SQLSTATE classes and codes that say "try again", not "this statement is wrong". */
const retryableClasses = new Set(['08', '28', '3D', '3F', '53', '57', '58', 'XX'])
const retryableStates = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  '25006', // read_only_sql_transaction: a standby just before or after a failover
  '25P03', // idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
  // A table or a right that is missing is a deployment half done. No message is to blame, and parking them all
  // would only make work for the night shift.
  '42P01', // undefined_table
  '42703', // undefined_column
  '42501', // insufficient_privilege
])
/** A pooler that takes a statement's connection away: what was prepared is not there, or was prepared by another. */
const pooledStates = new Set([
  '26000', // invalid_sql_statement_name
  '42P05', // duplicate_prepared_statement
])
/**
 * Of a retryable class, but the statement's own fault, such as one with more than 65,535 parameters. PgBouncer has no
 * other code for what befalls itself, and ends the connection with it: that is FATAL.
 */
const protocolViolation = '08P01'
const retryableSocketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_SOCKET_CLOSED',
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
])
/** node-postgres throws these as plain errors. */
const retryableMessage =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Cannot use a pool after|Client was closed|connection is closed|driver has already been destroyed|Postgres connection has been discarded)/i

/**
 * Whether the failure lies in what we stand on (connection, deadlock, shutdown, disk) rather than in the work:
 * the same work may succeed later, so it is retried for ever and never parked.
 */
export function isInfrastructureError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, severity, syscall, cause, message } = error as Error & {
    code?: unknown
    severity?: unknown
    syscall?: unknown
  }
  if (typeof code === 'string') {
    if (retryableSocketCodes.has(code) || retryableStates.has(code)) return true
    // A statement that was cancelled by a timeout (57014) belongs to class 57 and is tried again too.
    if (/^[0-9A-Z]{5}$/.test(code) && code !== protocolViolation && retryableClasses.has(code.slice(0, 2)))
      return true
  }
  // Nobody was reached: of a Unix socket, ENOENT while PostgreSQL restarts.
  if (syscall === 'connect') return true
  // What ends the session is no answer to a statement.
  if (severity === 'FATAL' || severity === 'PANIC') return true
  if (retryableMessage.test(message) || isOfConnection(error)) return true
  if (error instanceof AggregateError) return error.errors.some(isInfrastructureError)
  return cause !== undefined && isInfrastructureError(cause)
}

/**
 * What this connection has parsed is not there, not its own, or of a table that was changed since: it fails there for ever,
 * and not on a new one.
 */
export const isOfConnection = (error: Error & { code?: unknown; routine?: unknown }): boolean =>
  pooledStates.has(String(error.code)) ||
  (error.code === '0A000' && error.routine === 'RevalidateCachedQuery')

/**
 * Another transaction got there first, and this one has to be run again from its start to see what that one did.
 * It has the code of a serialization failure, because that is what it is: a handler that throws it is retried.
 */
export class RaceLostError extends Error {
  override name = 'RaceLostError'
  readonly code = '40001'
}
