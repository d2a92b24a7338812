import { lazy, Suspense, useMemo } from 'react'
import type { EngineStats, OrdersStats } from '../api/model.ts'
import { Page } from '../shell/page.tsx'
import { arrived } from '../shell/page-import.ts'
import { Failed, Waiting } from '../shell/states.tsx'
import { elapsed } from '../time/time.ts'
import { BurstPanel } from './burst-panel.tsx'
import { Figure } from './figure.tsx'
import type { Sample } from './samples.ts'
import { ServiceHealthPanel } from './service-health.tsx'
import { useSamples } from './use-samples.ts'
import './flow-page.css'

const Chart = lazy(() => arrived(import('../charts/chart.tsx')).then(({ Chart }) => ({ default: Chart })))
const chartHeight = 132

export function FlowPage() {
  const { data, error, isPending, refetch, samples } = useSamples()
  return (
    <Page
      title="Flow"
      className="flow-page"
      lead={<p>The system at work, measured by the services themselves.</p>}
    >
      <BurstPanel />
      {isPending && !error && <Waiting label="Reading the numbers" rows={6} />}
      {error && <Failed error={error} onRetry={() => void refetch()} />}
      {data && (
        <Suspense fallback={<Waiting label="Reading the charts" rows={6} />}>
          <div className="figures">
            {data.orders ? <OrderFigures stats={data.orders} /> : <Silent service="orders-service" />}
            {data.payments ? null : <Silent service="payments-service" />}
            <BacklogFigures samples={samples} orders={data.orders} payments={data.payments} />
          </div>
        </Suspense>
      )}
      <ServiceHealthPanel />
    </Page>
  )
}

function Silent({ service }: { service: string }) {
  return (
    <p className="card note" role="status">
      {service} does not answer, so its numbers are missing. They come back by themselves.
    </p>
  )
}

function OrderFigures({ stats }: { stats: OrdersStats }) {
  const { seconds, window_seconds, time_to_settle_ms: took } = stats
  const at = useMemo(() => seconds.map(second => new Date(second.at).getTime() / 1_000), [seconds])
  const rates = useMemo(
    () => [seconds.map(second => second.placed), seconds.map(second => second.settled)],
    [seconds],
  )
  const times = useMemo(
    () => [seconds.map(second => second.p50_ms), seconds.map(second => second.p99_ms)],
    [seconds],
  )
  const rate = (count: number) => rateWords(count / window_seconds)
  const settled = stats.finished + stats.cancelled
  return (
    <>
      <Figure
        title="Orders per second"
        note={`Average of the last ${Math.round(window_seconds)} s`}
        readings={[
          { label: 'placed', value: rate(stats.placed), color: '--series-1' },
          { label: 'settled', value: rate(settled), color: '--series-2' },
        ]}
      >
        <Chart
          label={`Orders per second over the last minute: ${rate(stats.placed)} placed, ${rate(settled)} settled on average`}
          at={at}
          series={rates}
          colors={['--series-1', '--series-2']}
          height={chartHeight}
        />
      </Figure>
      <Figure
        title="Time to settle"
        note={
          took
            ? `${settled} ${settled === 1 ? 'order' : 'orders'} in the last ${Math.round(window_seconds)} s`
            : 'Nothing settled in the last minute'
        }
        readings={[
          { label: 'half within', value: took ? elapsed(took.p50) : '–', color: '--series-1' },
          { label: '99 of 100 within', value: took ? elapsed(took.p99) : '–', color: '--series-2' },
        ]}
      >
        <Chart
          label={`Time to settle over the last minute: ${took ? `half within ${elapsed(took.p50)}, 99 of 100 within ${elapsed(took.p99)}` : 'nothing settled'}`}
          at={at}
          series={times}
          colors={['--series-1', '--series-2']}
          height={chartHeight}
          format={fromZero}
          dotted
        />
      </Figure>
    </>
  )
}

function CountFigure({ orders }: { orders: OrdersStats['orders'] }) {
  return (
    <Figure
      title="Orders"
      note={orders.is_estimate ? 'Estimated from the database’s statistics, since there are many' : 'Counted'}
      readings={[
        { label: 'in all', value: orders.total.toLocaleString() },
        { label: 'pending', value: orders.open.toLocaleString() },
        { label: 'finished', value: orders.finished.toLocaleString() },
        { label: 'cancelled', value: orders.cancelled.toLocaleString() },
      ]}
    />
  )
}

type Backlogs = { samples: Sample[]; orders: OrdersStats | null; payments: EngineStats | null }

function BacklogFigures({ samples, orders, payments }: Backlogs) {
  const at = useMemo(() => samples.map(sample => sample.at / 1_000), [samples])
  const waiting = useMemo(
    () => [samples.map(s => s.ordersWaiting), samples.map(s => s.paymentsWaiting)],
    [samples],
  )
  const lag = useMemo(() => [samples.map(s => s.paymentsLag), samples.map(s => s.ordersLag)], [samples])
  const oldestMs = Math.max(orders?.outbox.oldest_age_ms ?? 0, payments?.outbox.oldest_age_ms ?? 0)
  const parked = (orders?.dead_letters.parked ?? 0) + (payments?.dead_letters.parked ?? 0)
  const behind = (orders?.dead_letters.waiting ?? 0) + (payments?.dead_letters.waiting ?? 0)
  // What a service has that does not answer is not known, and not nothing.
  const isPart = !orders || !payments
  const nothing = (told: string) => (isPart ? 'Not known while a service does not answer' : told)
  const known = (count: number) => (isPart && count === 0 ? '–' : count.toLocaleString())
  return (
    <>
      <Figure
        title="Outbox backlog"
        note={
          oldestMs > 0
            ? `The oldest has waited ${elapsed(oldestMs)}`
            : nothing('Everything older than 2 s is published')
        }
        readings={[
          { label: 'orders', value: counted(orders), color: '--series-1' },
          { label: 'payments', value: counted(payments), color: '--series-2' },
        ]}
      >
        <Chart
          label={`Messages not yet published: orders ${counted(orders)}, payments ${counted(payments)}`}
          at={at}
          series={waiting}
          colors={['--series-1', '--series-2']}
          height={chartHeight}
        />
      </Figure>
      <Figure
        title="Consumer lag"
        note="Published and not yet handled"
        readings={[
          { label: 'tasks at payments', value: lagOf(payments), color: '--series-1' },
          { label: 'results at orders', value: lagOf(orders), color: '--series-2' },
        ]}
      >
        <Chart
          label={`Messages not yet handled: ${lagOf(payments)} at payments, ${lagOf(orders)} at orders`}
          at={at}
          series={lag}
          colors={['--series-1', '--series-2']}
          height={chartHeight}
        />
      </Figure>
      {orders && <CountFigure orders={orders.orders} />}
      <Figure
        title="Dead letters"
        tone={parked > 0 ? 'bad' : 'good'}
        note={parked > 0 ? 'Each waits for a person: redrive or discard it' : nothing('Nothing is parked')}
        readings={[
          { label: 'parked', value: known(parked) },
          { label: 'waiting behind them', value: known(behind) },
        ]}
      />
    </>
  )
}

const counted = (stats: EngineStats | null): string =>
  stats ? `${stats.outbox.waiting.toLocaleString()}${stats.outbox.is_capped ? '+' : ''}` : '–'
const lagOf = (stats: EngineStats | null): string => stats?.consumer.lag?.toLocaleString() ?? '–'

const fromZero = (ms: number): string => (ms === 0 ? '0' : elapsed(ms))

/** 0.02, 0.5, 12: as many digits as tell something. */
const rateWords = (perSecond: number): string =>
  perSecond === 0 ? '0' : perSecond.toFixed(perSecond < 0.1 ? 2 : perSecond < 10 ? 1 : 0)
