import { setImmediate } from 'node:timers/promises'
import { armFailpoints } from 'messaging/failpoint'
import { migrate } from 'migrations/migrate'
import type { Order } from './child-instance.ts'
import { startShopInstance } from './shop-instance.ts'

/**
 * The process that dies or stops at a failpoint, by its own hand and so exactly there. Everything it knows comes
 * from the test that started it, over their channel.
 */
const say = (message: object) => new Promise<void>(resolve => process.send?.(message, () => resolve()))
let instance: Awaited<ReturnType<typeof startShopInstance>> | undefined

process.on('disconnect', () => process.exit(1))
process.on('message', async ({ id, order }: { id: number; order: Order }) => {
  try {
    await say({ id, answer: await obey(order) })
  } catch (error) {
    await say({ id, error: String(error) })
  }
})

async function obey(order: Order): Promise<unknown> {
  switch (order.kind) {
    case 'start':
      instance = await startShopInstance(order.place)
      return
    case 'arm':
      return arm(order.failpoint, order.signal)
    case 'ask':
      return instance?.ask(order.request)
    case 'migrate':
      return migrate(order.address, order.set, order.grantees)
    case 'stop':
      return instance?.stop()
  }
}

function arm(failpoint: string, signal: NodeJS.Signals): void {
  armFailpoints(async name => {
    if (name !== failpoint) return
    armFailpoints()
    await say({ reached: failpoint })
    process.kill(process.pid, signal)
    await setImmediate()
  })
}
