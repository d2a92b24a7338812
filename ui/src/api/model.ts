import type { components, paths } from './schema.d.ts'

/** The gateway's schemas by the names that the pages use. */
export type Order = components['schemas']['Order']
export type OrderStatus = Order['status']
export type Reason = NonNullable<Order['reason']>
export type Account = components['schemas']['Account']
export type LedgerEntry = components['schemas']['LedgerEntry']

export type Timeline = AnswerOf<'/orders/{id}/timeline'>
export type Hop = Timeline['hops'][number]
export type HopName = Hop['hop']

export type Stats = AnswerOf<'/stats'>
export type OrdersStats = NonNullable<Stats['orders']>
export type EngineStats = NonNullable<Stats['payments']>

export type Health = AnswerOf<'/health'>
export type ServiceHealth = Health['services'][string]
export type Dependency = Health['dependencies'][string]

type AnswerOf<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { 'application/json': infer Answer } } } }
}
  ? Answer
  : never
