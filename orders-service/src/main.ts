import closeWithGrace from 'close-with-grace'
import { configOrExit } from 'edge/config'
import { engineSettings } from 'edge/engine-config'
import { startIdempotencyRetention } from 'edge/idempotency-retention'
import { kafkaMistakes, kafkaSettings } from 'edge/kafka'
import { listenOrExit } from 'edge/listen'
import { openLog } from 'edge/log'
import { registerOperatorRoutes } from 'edge/operator-routes'
import { databaseAddress, openPool } from 'edge/postgres'
import { readEngineStats } from 'edge/read-engine-stats'
import { observeConsumer } from 'edge/telemetry/observe-consumer'
import { observeEngine, observePool } from 'edge/telemetry/observe-engine'
import { observeRelay } from 'edge/telemetry/observe-relay'
import { startTelemetry } from 'edge/telemetry/start-telemetry'
import { startTopics } from 'edge/topics'
import { startConsumer } from 'messaging/consume'
import { openKafka } from 'messaging/platformatic-transport'
import { startRelay } from 'messaging/relay'
import { startRetention } from 'messaging/retention'
import { createOrdersApp } from './app.ts'
import { OrdersConfig } from './config.ts'
import { openOrdersDatabase } from './database.ts'
import { observeOrders } from './orders/observe-orders.ts'
import { statusTopic, tasksTopic } from './orders/order-events.ts'
import { resultsTopic, settleOrdersConsumer, settleOrdersName } from './orders/settle-orders.ts'
import { readOrderCounts } from './stats/order-counts.ts'

const shutdownMsMax = 10_000

const config = configOrExit(OrdersConfig, kafkaMistakes('ORDERS'))
const settings = engineSettings(config)
const log = openLog('orders-service', config)
const telemetry = await startTelemetry(
  'orders-service',
  config,
  { port: config.ORDERS_METRICS_PORT, portVariable: 'ORDERS_METRICS_PORT' },
  log,
)

// Nothing here waits for the broker: while it is down orders are accepted, and they are settled once it is back.
const pool = openPool(databaseAddress(config, 'ORDERS'), 'orders-service', config.ORDERS_DB_POOL_MAX)
pool.on('error', err => log.warn({ err }, 'an idle database connection broke; the pool opens another'))
const db = openOrdersDatabase(pool)
const transport = openKafka({ ...kafkaSettings(config, 'ORDERS'), clientId: 'orders-service', log })
const topics = startTopics({ transport, topics: [tasksTopic, resultsTopic, statusTopic], config, log })
const relay = startRelay({
  pool,
  transport,
  source: '/orders-service',
  log,
  ...settings.relay,
  observer: observeRelay(telemetry, () => relay),
})
const { onSettled } = observeOrders(telemetry, () => readOrderCounts(db))
const { definition, observer } = observeConsumer(
  telemetry,
  settleOrdersConsumer({ log, clock: () => new Date(), onSettled }),
)
const consumer = startConsumer({
  db,
  transport,
  log,
  ...settings.consumer,
  definition,
  observer,
})
const lag = () => transport.lag(settleOrdersName, [resultsTopic])
observeEngine(telemetry.metrics, () => readEngineStats(db, 'orders-service', { name: settleOrdersName, lag }))
observePool(telemetry.metrics, pool)
// Its first run waits for the database; listening does not.
const retention = startRetention({ pool, log, ...settings.retention })
const idempotencyRetention = startIdempotencyRetention({
  db,
  log,
  retentionMs: settings.idempotencyRetentionMs,
})
const app = await createOrdersApp({ db, transport, log, telemetry })
registerOperatorRoutes(app, {
  service: 'orders',
  desk: { db, definition, log },
  token: config.OPERATOR_TOKEN,
})

closeWithGrace({ delay: shutdownMsMax, logger: false }, async ({ err, signal }) => {
  if (err) log.error({ err }, 'ending because of an error that nobody caught')
  else log.info({ signal }, 'ending: taking no more requests, finishing what is in hand')
  await app.close()
  await topics.stop()
  await consumer.stop()
  await relay.stop()
  await idempotencyRetention.stop()
  await (await retention).stop()
  await transport.close()
  await db.destroy()
  await telemetry.stop()
  log.info({}, 'ended')
})

await listenOrExit(app, { host: config.HOST, port: config.ORDERS_PORT, portVariable: 'ORDERS_PORT' }, log)
