import type { TestedService } from 'scripts/testing/launch-system'
import type { NetworkFault } from '../network/fault-proxy.ts'
import { type Draw, drawFrom } from '../random.ts'
import { type Wire, wires } from '../system/chaos-system.ts'

export type PlannedFault =
  | { kind: 'network'; wire: Wire; fault: NetworkFault }
  | { kind: 'kill' | 'stop' | 'freeze'; service: TestedService; number: number }
  | { kind: 'shift_clock'; service: TestedService; number: number; seconds: number }
  | { kind: 'rebalance_storm'; service: Consuming }
  | { kind: 'restart_postgres' | 'restart_kafka'; how: 'kill' | 'stop' }
  | { kind: 'terminate_backends'; service: Consuming; times: number }
  | { kind: 'long_transaction'; service: Consuming }
  | { kind: 'full_disk'; service: Consuming }
  /** Old messages again, with or without the headers that name them. */
  | { kind: 'redeliver'; topic: InTopic; count: number; withHeaders: boolean }
  | { kind: 'poison'; topic: InTopic; what: 'garbage' | 'contradiction' }
export type FaultKind = PlannedFault['kind']
/** Those that own a database and read a topic. */
type Consuming = 'orders' | 'payments'
type InTopic = 'order_payment_tasks' | 'payment_status_updates'

/** Faults that begin together, last and are healed. */
export type Step = { calmMs: number; lastsMs: number; faults: PlannedFault[] }

const services: TestedService[] = ['orders', 'payments', 'gateway']
const consuming: Consuming[] = ['orders', 'payments']
const inTopics: InTopic[] = ['order_payment_tasks', 'payment_status_updates']
/** A relay's lease and a consumer's session both run out after 10 s. */
const pastTheLeaseMs = 12_000

const networkFaults: ((draw: Draw) => NetworkFault)[] = [
  draw => ({ kind: 'latency', ms: draw.pick([20, 100, 400]) }),
  () => ({ kind: 'cut' }),
  () => ({ kind: 'stall' }),
  () => ({ kind: 'half_open' }),
  draw => ({ kind: 'reset_before_answer', chance: draw.pick([0.02, 0.1, 0.3]) }),
  draw => ({ kind: 'drip', bytes: draw.pick([64, 512]), everyMs: 5 }),
]

/** Each kind as often as it stands here. */
const makers: Record<FaultKind, { weight: number; make: (draw: Draw, instances: number) => PlannedFault }> = {
  network: {
    weight: 10,
    make: draw => ({ kind: 'network', wire: draw.pick(wires), fault: draw.pick(networkFaults)(draw) }),
  },
  kill: { weight: 4, make: instanceFault('kill') },
  stop: { weight: 2, make: instanceFault('stop') },
  freeze: { weight: 3, make: instanceFault('freeze') },
  shift_clock: {
    weight: 2,
    make: (draw, instances) => ({
      kind: 'shift_clock',
      service: draw.pick(services),
      number: draw.between(1, instances),
      seconds: draw.pick([-3600, -30, -1, 1, 30, 3600, 86_400]),
    }),
  },
  rebalance_storm: { weight: 2, make: draw => ({ kind: 'rebalance_storm', service: draw.pick(consuming) }) },
  restart_postgres: {
    weight: 2,
    make: draw => ({ kind: 'restart_postgres', how: draw.pick(['kill', 'stop']) }),
  },
  restart_kafka: { weight: 2, make: draw => ({ kind: 'restart_kafka', how: draw.pick(['kill', 'stop']) }) },
  terminate_backends: {
    weight: 2,
    make: draw => ({ kind: 'terminate_backends', service: draw.pick(consuming), times: draw.between(1, 20) }),
  },
  long_transaction: {
    weight: 2,
    make: draw => ({ kind: 'long_transaction', service: draw.pick(consuming) }),
  },
  redeliver: {
    weight: 4,
    make: draw => ({
      kind: 'redeliver',
      topic: draw.pick(inTopics),
      count: draw.between(1, 200),
      withHeaders: draw.chance(0.7),
    }),
  },
  poison: {
    weight: 2,
    make: draw => ({
      kind: 'poison',
      topic: draw.pick(inTopics),
      what: draw.pick(['garbage', 'contradiction']),
    }),
  },
  full_disk: { weight: 3, make: draw => ({ kind: 'full_disk', service: draw.pick(consuming) }) },
}
const faultKinds = Object.keys(makers) as FaultKind[]

function instanceFault(kind: 'kill' | 'stop' | 'freeze') {
  return (draw: Draw, instances: number): PlannedFault => ({
    kind,
    service: draw.pick(services),
    number: draw.between(1, instances),
  })
}

/** Servers that are restarted and wires that are broken, each once in a step: two at once would undo each other. */
const placeOf = (fault: PlannedFault): string => {
  switch (fault.kind) {
    case 'network':
      return fault.wire
    case 'kill':
    case 'stop':
    case 'freeze':
      return `${fault.service}-${fault.number}`
    case 'restart_postgres':
    case 'full_disk':
      // With a full disk PostgreSQL does not come back from a crash: it writes while it recovers.
      return 'postgres'
    case 'restart_kafka':
    case 'redeliver':
    case 'poison':
      return 'all-kafka'
    default:
      return fault.kind
  }
}

export type PlanOptions = { instances: number; steps: number; kinds?: FaultKind[]; paceMs?: number }

/** What is broken in one round of a run, in order. The same seed and round give the same plan. */
export function planRound(
  seed: number,
  round: number,
  { instances, steps, kinds = faultKinds, paceMs = 2_000 }: PlanOptions,
): Step[] {
  const draw = drawFrom(seed * 7919 + round)
  const deck = kinds.flatMap(kind => Array(makers[kind].weight).fill(kind) as FaultKind[])
  return Array.from({ length: steps }, () => {
    const faults: PlannedFault[] = []
    const count = draw.pick([1, 1, 2])
    while (faults.length < count) {
      const fault = makers[draw.pick(deck)].make(draw, instances)
      if (faults.every(other => placeOf(other) !== placeOf(fault))) faults.push(fault)
    }
    const isLong = faults.some(({ kind }) => kind === 'freeze' || kind === 'rebalance_storm')
    return {
      calmMs: draw.between(paceMs / 4, paceMs),
      lastsMs: isLong ? pastTheLeaseMs + draw.between(0, paceMs) : draw.between(paceMs / 2, paceMs * 3),
      faults,
    }
  })
}

/** For people, and for the history. */
export function describeFault(fault: PlannedFault): string {
  const { kind, ...details } = fault
  const words = Object.entries(details).map(([name, value]) =>
    typeof value === 'object'
      ? Object.entries(value)
          .map(([key, inner]) => (key === 'kind' ? inner : `${key} ${inner}`))
          .join(', ')
      : name === 'service' || name === 'wire' || name === 'topic' || name === 'how' || name === 'what'
        ? value
        : `${name} ${value}`,
  )
  return `${kind.replaceAll('_', ' ')}: ${words.join(', ')}`
}
