import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiDocument, joinDocuments } from './join-documents.ts'
import type { Upstream } from './upstream.ts'

/** How often a service that did not answer is asked again, and how often one that did may have changed. */
const missingIntervalMs = 1_000
const knownIntervalMs = 60_000

/** The one document of all public calls, from what each service says of itself; asked for again and again. */
export class SystemDocument {
  readonly #upstreams: Upstream[]
  readonly #parts = new Map<string, ApiDocument>()

  constructor(upstreams: Upstream[]) {
    this.#upstreams = upstreams
  }

  joinedWith(own: object): object {
    const parts = this.#upstreams.map(({ name }) => ({ name, document: this.#parts.get(name) }))
    return joinDocuments(own as ApiDocument, parts)
  }

  /** Whether every service has answered by now; one that is down now keeps its last document. */
  async refreshOnce(): Promise<boolean> {
    await Promise.all(this.#upstreams.map(upstream => this.#ask(upstream)))
    return this.#upstreams.every(({ name }) => this.#parts.has(name))
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const complete = await this.refreshOnce()
      await sleep(complete ? knownIntervalMs : missingIntervalMs, undefined, { signal }).catch(
        () => undefined,
      )
    }
  }

  async #ask(upstream: Upstream): Promise<void> {
    const outcome = await upstream.ask({ method: 'GET', path: '/openapi.json', headers: {} })
    if (outcome.kind === 'unavailable' || outcome.status !== 200) return
    try {
      const document = JSON.parse(String(outcome.body)) as ApiDocument
      if (document.paths) this.#parts.set(upstream.name, document)
    } catch {
      // Whatever answers there is not the service; the document goes without it.
    }
  }
}
