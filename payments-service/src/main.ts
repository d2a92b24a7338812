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
import { createPaymentsApp } from './app.ts'
import { PaymentsConfig } from './config.ts'
import { openPaymentsDatabase } from './database.ts'
import { debitAccountsConsumer, debitAccountsName, tasksTopic } from './payments/debit-accounts.ts'
import { resultsTopic } from './payments/payment-events.ts'

const shutdownMsMax = 10_000

const config = configOrExit(PaymentsConfig, kafkaMistakes('PAYMENTS'))
const settings = engineSettings(config)
const log = openLog('payments-service', config)
const telemetry = await startTelemetry(
  'payments-service',
  config,
  { port: config.PAYMENTS_METRICS_PORT, portVariable: 'PAYMENTS_METRICS_PORT' },
  log,
)

// Nothing here waits for the broker: while it is down accounts are served, and orders are paid once it is back.
const pool = openPool(databaseAddress(config, 'PAYMENTS'), 'payments-service', config.PAYMENTS_DB_POOL_MAX)
pool.on('error', err => log.warn({ err }, 'an idle database connection broke; the pool opens another'))
const db = openPaymentsDatabase(pool)
const transport = openKafka({ ...kafkaSettings(config, 'PAYMENTS'), clientId: 'payments-service', log })
const topics = startTopics({ transport, topics: [tasksTopic, resultsTopic], config, log })
const relay = startRelay({
  pool,
  transport,
  source: '/payments-service',
  log,
  ...settings.relay,
  observer: observeRelay(telemetry, () => relay),
})
const { definition, observer } = observeConsumer(
  telemetry,
  debitAccountsConsumer({ log, clock: () => new Date() }),
)
const consumer = startConsumer({
  db,
  transport,
  log,
  ...settings.consumer,
  definition,
  observer,
})
const lag = () => transport.lag(debitAccountsName, [tasksTopic])
observeEngine(telemetry.metrics, () =>
  readEngineStats(db, 'payments-service', { name: debitAccountsName, lag }),
)
observePool(telemetry.metrics, pool)
// Its first run waits for the database; listening does not.
const retention = startRetention({ pool, log, ...settings.retention })
const idempotencyRetention = startIdempotencyRetention({
  db,
  log,
  retentionMs: settings.idempotencyRetentionMs,
})
const app = await createPaymentsApp({ db, transport, log, telemetry })
registerOperatorRoutes(app, {
  service: 'payments',
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

await listenOrExit(app, { host: config.HOST, port: config.PAYMENTS_PORT, portVariable: 'PAYMENTS_PORT' }, log)
