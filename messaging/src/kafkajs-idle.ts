import { createRequire } from 'node:module'

type RequestQueue = { pending: unknown[]; scheduleCheckPendingRequests(): void }

/**
 * Lets an idle kafkajs rest. Its queue of requests, one for each connection, looks again for requests to send after
 * `throttledUntil - now` ms: where nothing throttles, that is far in the past, so a timer of 1 ms, for ever. A service
 * with four connections woke 1,700 times a second and used 4 % of a core for nothing; and Node 24 warns of it. Where no
 * request waits there is nothing to look for: one that is put into the queue sets the timer itself.
 */
export function letKafkajsRest(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
    prototype: RequestQueue
  }
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) schedule.call(this)
  }
}
