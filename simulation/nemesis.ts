import type { OutgoingMessage } from '../messaging/src/transport.ts'
import { tasksTopic } from '../orders-service/src/orders/order-events.ts'
import { resultsTopic } from '../orders-service/src/orders/settle-orders.ts'
import type { ModelKafka } from './model/kafka.ts'
import type { RunningInstance, Shop } from './shop.ts'
import { users } from './shop.ts'

/** A group goes on without a member that is silent for this long. */
const sessionMs = 2_000
const freezeMsMax = 8_000
const restartMsMax = 3_000

/** Does one bad thing to the shop. */
export function upset(shop: Shop): void {
  const { scheduler } = shop
  const instance = scheduler.pick(shop.instances)
  const act = scheduler.pick([
    crash,
    freeze,
    stopAndStart,
    loseMembership,
    sendAgain,
    sendAgainByAnother,
    poison,
  ])
  act(shop, instance)
}

/** What is broken comes back; what was put aside stays aside. */
export function heal(shop: Shop): void {
  shop.scheduler.note('HEALED')
  shop.scheduler.faultRate = 0
  for (const instance of shop.instances) instance.frozenUntil = 0
}

/** kill -9; another takes its place after a while. */
function crash(shop: Shop, instance: RunningInstance): void {
  const { scheduler } = shop
  scheduler.note(`CRASH of ${instance.name}`)
  scheduler.die(instance)
  instance.die()
  shop[instance.service].abandon(instance)
  scheduler.after(sessionMs, () => expel(shop, instance))
  replace(shop, instance)
}

/** SIGSTOP, past its lease and its session, and on again. */
function freeze(shop: Shop, instance: RunningInstance): void {
  const { scheduler } = shop
  const ms = scheduler.between(100, freezeMsMax)
  scheduler.note(`FREEZE of ${instance.name} for ${ms} ms`)
  instance.frozenUntil = scheduler.nowMs + ms
  scheduler.after(sessionMs, () => {
    if (instance.frozenUntil > scheduler.nowMs) expel(shop, instance)
  })
}

/** SIGTERM. */
function stopAndStart(shop: Shop, instance: RunningInstance): void {
  shop.scheduler.note(`STOP of ${instance.name}`)
  void Promise.all([instance.relay.stop(), instance.consumer.stop()])
  replace(shop, instance)
}

function replace(shop: Shop, instance: RunningInstance): void {
  shop.start(instance.service)
  const heir = shop.instances.pop() as RunningInstance
  heir.frozenUntil = shop.scheduler.nowMs + shop.scheduler.between(0, restartMsMax)
  shop.instances = shop.instances.map(other => (other === instance ? heir : other))
}

/** Its heartbeats come too late: the group goes on without it, and it goes on with what it has in hand. */
function loseMembership(shop: Shop, instance: RunningInstance): void {
  shop.scheduler.note(`${instance.name} LOSES its partitions`)
  expel(shop, instance)
}

function expel({ kafka }: Shop, instance: RunningInstance): void {
  for (const group of kafka.groups()) {
    for (const member of group.members.filter(member => member.instance === instance)) group.leave(member)
  }
}

/** A message of long ago comes once more. */
function sendAgain({ kafka, scheduler }: Shop): void {
  const message = anyMessage(kafka, scheduler.pick)
  if (!message) return
  scheduler.note(`AGAIN ${message.headers.ce_id}`)
  kafka.store(message)
}

/** The same content without an event id, as other programs send it. */
function sendAgainByAnother({ kafka, scheduler }: Shop): void {
  const message = anyMessage(kafka, scheduler.pick)
  if (!message) return
  scheduler.note(`BY ANOTHER PROGRAM ${message.value}`)
  // Without a key it comes by another partition, perhaps to another instance at the same moment. Only a first order can
  // be decided out of turn and change nothing for those after it.
  const isFirst =
    kafka
      .log(message.topic)
      .flat()
      .find(({ key }) => key === message.key)?.value === message.value
  const isAlone = message.topic === tasksTopic && isFirst && !isPoisoned(kafka)
  kafka.store({ ...message, key: isAlone ? null : message.key, headers: {} })
}

function anyMessage(kafka: ModelKafka, pick: Shop['scheduler']['pick']): OutgoingMessage | undefined {
  const messages = [tasksTopic, resultsTopic].flatMap(topic =>
    kafka
      .log(topic)
      .flat()
      .filter(({ headers }) => headers.ce_id !== poisonId)
      .map(({ key, value, headers }) => ({ topic, key, value, headers })),
  )
  return messages.length > 0 ? pick(messages) : undefined
}

export const poisonId = 'poison'
const isPoisoned = (kafka: ModelKafka) =>
  [...kafka.topics.values()].flat(2).some(({ headers }) => headers.ce_id === poisonId)

/** A task that is no JSON, or a result of another amount than its order's. Once in a run. */
function poison(shop: Shop): void {
  const { kafka, scheduler } = shop
  if (isPoisoned(kafka)) return
  const headers = { ce_id: poisonId }
  const tasks = kafka
    .log(tasksTopic)
    .flat()
    .filter(({ value }) => value.startsWith('{'))
  const task = tasks.length > 0 && scheduler.chance(0.5) ? scheduler.pick(tasks) : undefined
  const key = task ? task.key : String(scheduler.pick(users))
  const value = task
    ? JSON.stringify({ ...(JSON.parse(task.value) as object), amount: 1_000, status: 'SUCCESS' })
    : 'no JSON'
  scheduler.note(`POISON ${task ? 'result' : 'task'} of user ${key}`)
  kafka.store({ topic: task ? resultsTopic : tasksTopic, key, value, headers })
}
