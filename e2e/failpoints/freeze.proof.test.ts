import { testProcesses } from './process-faults.ts'

/** Where the one that wakes up holds something that its heir has by then: lease, partitions, locks. */
testProcesses('SIGSTOP', [
  'relay.renewing',
  'relay.claimed',
  'relay.published',
  'relay.storing',
  'consumer.received',
  'consumer.handled',
  'consumer.committed',
  'offsets.committing',
  'key.released',
  'place.written',
  'debit.locked',
])
