import { openKafka } from './kafkajs-transport.ts'
import { testTransport } from './transport-suite/suite.ts'

testTransport({
  open: openKafka,
  module: new URL('./kafkajs-transport.ts', import.meta.url),
  exportName: 'openKafka',
})
