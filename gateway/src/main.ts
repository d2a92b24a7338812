import closeWithGrace from 'close-with-grace'
import { configOrExit } from 'edge/config'
import { millisecondsOf } from 'edge/duration'
import { HealthDetail } from 'edge/health'
import { kafkaMistakes, kafkaSettings } from 'edge/kafka'
import { listenOrExit } from 'edge/listen'
import { openLog } from 'edge/log'
import { startTelemetry } from 'edge/telemetry/start-telemetry'
import { topicSettings } from 'edge/topics'
import { openKafka } from 'messaging/platformatic-transport'
import { buildGateway } from './app.ts'
import { GatewayConfig } from './config.ts'
import { EventHub } from './events/event-hub.ts'
import { startFollowing } from './events/follow-topic.ts'
import { observeStreams } from './events/observe-streams.ts'
import { Auditor } from './integrity/auditor.ts'
import { observeIntegrity } from './integrity/observe-integrity.ts'
import { scheduleAudit } from './integrity/schedule-audit.ts'
import { integrityOf } from './integrity/services.ts'
import { openUpstream } from './upstream.ts'
import { wideDoor } from './wide-door.ts'

const shutdownMsMax = 10_000
/** Requests in flight have so long to be answered; then their services are taken to be down. */
const drainMsMax = 7_000

const config = configOrExit(GatewayConfig, kafkaMistakes('GATEWAY'))
const log = openLog('gateway', config)
const telemetry = await startTelemetry(
  'gateway',
  config,
  { port: config.GATEWAY_METRICS_PORT, portVariable: 'GATEWAY_METRICS_PORT' },
  log,
)
const upstreams = {
  orders: openUpstream('orders', config.ORDERS_URL, config.UPSTREAM_TIMEOUT_MS),
  payments: openUpstream('payments', config.PAYMENTS_URL, config.UPSTREAM_TIMEOUT_MS),
}
const closeUpstreams = () => Promise.all(Object.values(upstreams).map(upstream => upstream.close()))
const transport = openKafka({ ...kafkaSettings(config, 'GATEWAY'), clientId: 'gateway', log })
const hub = new EventHub({ streamsMax: config.EVENT_STREAMS_MAX }, log)
const topic = topicSettings('order_status_updates', config)
const auditor = new Auditor(integrityOf(upstreams), log, {
  settledWithinMs: millisecondsOf(config.INTEGRITY_SETTLED_WITHIN),
  workMsMax: millisecondsOf(config.INTEGRITY_TURN),
})
const following = startFollowing(transport, hub, topic, log)

const app = await buildGateway({
  upstreams,
  hub,
  auditor,
  checks: {
    kafka: () => transport.ping(),
    events: async () => {
      if (!hub.isReady || !following.isRunning())
        throw new HealthDetail('order_status_updates is not followed yet')
    },
  },
  door: {
    corsOrigins: config.CORS_ORIGINS.split(','),
    rateLimitPerSecond: config.RATE_LIMIT_PER_SECOND,
    trustedProxies: config.TRUSTED_PROXIES?.split(',') ?? [],
  },
  log,
  telemetry,
})
const audits = scheduleAudit(auditor, config.INTEGRITY_SCHEDULE, log)
observeStreams(telemetry.metrics, hub)
observeIntegrity(telemetry.metrics, auditor)

closeWithGrace({ delay: shutdownMsMax, logger: false }, async ({ signal, err }) => {
  if (err) log.fatal({ err }, 'the gateway stops after an error')
  else log.info({ signal }, 'the gateway stops')
  // Streams end, requests in flight are answered; only then do the parts go that they stand on.
  const late = setTimeout(closeUpstreams, drainMsMax)
  auditor.stop()
  await app.close()
  await audits.stop()
  clearTimeout(late)
  await following.stop()
  await transport.close()
  await closeUpstreams()
  await telemetry.stop()
})

await listenOrExit(
  wideDoor(app),
  { host: config.HOST, port: config.GATEWAY_PORT, portVariable: 'GATEWAY_PORT' },
  log,
)
