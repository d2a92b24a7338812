import { testProcesses } from './process-faults.ts'

/** Where something is done and the next thing is not: an end within a transaction is a cut connection, tested at all. */
testProcesses('SIGKILL', [
  'relay.acquired',
  'relay.claimed',
  'relay.published',
  'relay.stored',
  'consumer.received',
  'consumer.handled',
  'consumer.committed',
  'consumer.parked',
  'offsets.committing',
  'offsets.committed',
  'letter.closed',
  'key.released',
  'retention.dropped',
  'place.written',
  'place.committed',
  'settle.updated',
  'debit.written',
  'balance.written',
  'balance.committed',
])
