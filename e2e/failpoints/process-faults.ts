import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, test } from 'vitest'
import { checkWorld } from './check-world.ts'
import { ChildInstance } from './child-instance.ts'
import { sessionTimeoutMs } from './shop-instance.ts'
import { workloadOf } from './workloads.ts'
import { World } from './world.ts'

/** Each instance is a process that takes over from the one before, and then suffers the next fault itself. */
export function testProcesses(signal: 'SIGKILL' | 'SIGSTOP', failpoints: string[]): void {
  let world: World
  let victim: ChildInstance
  async function open(): Promise<void> {
    world = await World.open()
    victim = await ChildInstance.start(world.place)
    world.instances = [victim]
  }
  async function close(): Promise<void> {
    ChildInstance.killAll()
    if (world) world.instances = []
    await world?.close()
  }
  beforeAll(open)
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return
    // What one case leaves behind must not turn those after it red.
    await close()
    await open()
  })
  afterAll(close)

  test('without a fault', () => checkWorld(world))

  test.each(failpoints)(`${signal} at %s`, async failpoint => {
    const { reached } = await victim.arm(failpoint, signal)
    const working = workloadOf[failpoint]?.(world)
    await reached
    const heir = await ChildInstance.start(world.place)
    world.instances = signal === 'SIGKILL' ? [heir] : [heir, victim]
    if (signal === 'SIGSTOP') {
      // Past its lease and its session, so that the heir has both.
      await sleep(sessionTimeoutMs * 1.2)
      victim.thaw()
    }
    await working
    await checkWorld(world)
    world.instances = [heir]
    if (signal === 'SIGSTOP') await victim.stop()
    victim = heir
  })
}
