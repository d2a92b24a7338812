import { testProcesses } from './process-faults.ts'

/** Where memory is lost between two things that belong together. In a transaction it is as if its connection were cut. */
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
