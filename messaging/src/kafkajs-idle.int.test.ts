import { createHook } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { testBrokers } from 'scripts/test-infrastructure'
import { expect, test } from 'vitest'
import { openKafka } from './kafkajs-transport.ts'
import { quiet } from './relay-fixture.ts'

test('a client with nothing to do sets next to no timers', async () => {
  const transport = openKafka({ brokers: testBrokers(), clientId: 'idle-test', log: quiet })
  await transport.ping()
  let timers = 0
  const counting = createHook({
    init: (_id, type) => {
      if (type === 'Timeout') timers += 1
    },
  }).enable()
  // A second of kafkajs's own making has a thousand of them for each connection.
  await sleep(500)
  counting.disable()
  await transport.close()
  expect(timers).toBeLessThan(100)
})
