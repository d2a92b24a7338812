import { testBrokerFaults } from './brokers.ts'
import type { Subject } from './fixture.ts'
import { testFollowing } from './follow.ts'
import { testLogin } from './login.ts'
import { testMembers } from './members.ts'
import { testMessages } from './messages.ts'
import { testOffsets } from './offsets.ts'
import { testPressure } from './pressure.ts'

/** What a Transport promises, broken on purpose: each implementation goes through all of it, on a real broker. */
export function testTransport(subject: Subject): void {
  testMessages(subject)
  testOffsets(subject)
  testPressure(subject)
  testMembers(subject)
  testFollowing(subject)
  testBrokerFaults(subject)
  testLogin(subject)
}
