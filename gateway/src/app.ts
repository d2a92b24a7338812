import { type App, createApp } from 'edge/app'
import { asyncApiDocument } from 'edge/contracts/asyncapi'
import type { Check } from 'edge/health'
import type { Logger } from 'edge/log'
import type { Telemetry } from 'edge/telemetry/start-telemetry'
import { SystemDocument } from './api-document.ts'
import { type DoorSettings, registerDoor, securityHeaders } from './door.ts'
import type { EventHub } from './events/event-hub.ts'
import { registerEvents } from './events/event-routes.ts'
import { registerForwarding } from './forward.ts'
import { registerSystemHealth } from './health.ts'
import type { Auditor } from './integrity/auditor.ts'
import { registerIntegrity } from './integrity/integrity-routes.ts'
import type { ServiceName } from './public-calls.ts'
import { refuseEarly } from './refuse-early.ts'
import { registerStats } from './stats.ts'
import { registerTimeline } from './timeline.ts'
import type { Upstream } from './upstream.ts'

export type GatewayParts = {
  upstreams: Record<ServiceName, Upstream>
  hub: EventHub
  auditor: Auditor
  checks: Record<string, Check>
  door: DoorSettings & { trustedProxies: string[] }
  log: Logger
  telemetry?: Telemetry
}

/** A body that trickles in holds a connection no longer than this. */
const requestTimeoutMs = 30_000

/** The gateway, not yet listening. Closing it ends the event streams; the parts stay the caller's to close. */
export async function buildGateway({
  upstreams,
  hub,
  auditor,
  checks,
  door,
  log,
  telemetry,
}: GatewayParts): Promise<App> {
  const headers = await securityHeaders()
  const document = new SystemDocument(Object.values(upstreams))
  const app = await createApp(
    {
      title: 'Order payments',
      description:
        'Orders placed over HTTP, paid from a balance and settled; every public call. `/asyncapi.json` tells of the topics. ' +
        'Every error is a problem of RFC 9457: of a path that is none of these 404 `not_found`, of one that does not take ' +
        'the method 405 `method_not_allowed` with `Allow`.',
    },
    log,
    {
      telemetry,
      trustProxy: door.trustedProxies.length > 0 ? door.trustedProxies : false,
      answerFirst: refuseEarly(upstreams, log, telemetry),
      prepare: prepared => registerDoor(prepared, door, headers),
      document: own => document.joinedWith(own),
    },
  )
  app.server.requestTimeout = requestTimeoutMs
  app.get('/asyncapi.json', { schema: { hide: true } }, async () => asyncApiDocument())
  registerForwarding(app, upstreams)
  registerTimeline(app, upstreams)
  registerEvents(app, hub)
  registerStats(app, upstreams)
  registerIntegrity(app, auditor)
  registerSystemHealth(app, Object.values(upstreams), checks)

  const closing = new AbortController()
  app.addHook('onListen', async () => {
    void document.run(closing.signal)
  })
  app.addHook('preClose', async () => {
    closing.abort()
    hub.close()
  })
  return app
}
