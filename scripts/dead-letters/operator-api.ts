import type { Act, ActOutcome, LetterInFull, ParkedLetter, Preview } from 'edge/operator-schema'
import type { LetterName, ServiceName } from './options.ts'

/** An answer that a person can act on; anything else that is thrown is a bug. */
export class OperatorApiError extends Error {
  override name = 'OperatorApiError'
}

/** A release handles all that waits behind; the services do not stop at it, and neither does this. */
const answerMsMax = 10 * 60_000

type Page<Body> = { body: Body; next: string | undefined }

/** The operator API of the services, each at its own address. Throws OperatorApiError, with what to do next. */
export class OperatorApi {
  readonly #urls: Record<ServiceName, string>
  readonly #token: string | undefined

  constructor(urls: Record<ServiceName, string>, token: string | undefined) {
    this.#urls = urls
    this.#token = token
  }

  /** Oldest first, page after page. */
  async *parked(service: ServiceName): AsyncGenerator<ParkedLetter> {
    let path: string | undefined = '/operator/dead-letters?limit=200'
    while (path) {
      const page: Page<ParkedLetter[]> = await this.#ask(service, path)
      yield* page.body
      path = page.next
    }
  }

  /** The newest ones. */
  async acts(service: ServiceName): Promise<Act[]> {
    return (await this.#ask<Act[]>(service, '/operator/acts?limit=50')).body
  }

  async show({ service, id }: LetterName): Promise<LetterInFull> {
    return (await this.#ask<LetterInFull>(service, `/operator/dead-letters/${id}`)).body
  }

  async preview({ service, id }: LetterName, act: 'redrive' | 'discard'): Promise<Preview> {
    return (await this.#ask<Preview>(service, `/operator/dead-letters/${id}/preview`, { act })).body
  }

  async act(
    { service, id }: LetterName,
    act: 'redrive' | 'discard',
    by: { who: string; why?: string },
  ): Promise<ActOutcome> {
    return (await this.#ask<ActOutcome>(service, `/operator/dead-letters/${id}/${act}`, by)).body
  }

  async #ask<Body>(service: ServiceName, path: string, body?: object): Promise<Page<Body>> {
    if (!this.#token) {
      throw new OperatorApiError(
        'OPERATOR_TOKEN is not set. Put the one that the services were started with into the environment or .env.',
      )
    }
    const url = this.#urls[service]
    const response = await fetch(url + path, {
      method: body ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerMsMax),
    }).catch((error: Error) => {
      const reason = Object(error.cause).code ?? error.message
      throw new OperatorApiError(
        `The ${service} service does not answer at ${url} (${reason}). Start it, or set ${service.toUpperCase()}_URL to where it is.`,
      )
    })
    const answer = (await response.json().catch(() => undefined)) as { detail?: string } | undefined
    if (!response.ok) {
      const said = answer?.detail ?? `It answered ${response.status} without saying why.`
      throw new OperatorApiError(`${service}: ${said}`)
    }
    const next = /<([^>]*)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
    return { body: answer as Body, next }
  }
}
