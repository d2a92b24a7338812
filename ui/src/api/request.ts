/** A refusal in the server's own words (RFC 9457), or what the browser knows when there was no answer. */
export class RequestFailed extends Error {
  override name = 'RequestFailed'
  readonly status: number
  readonly code: string
  readonly requestId: string | undefined
  readonly errors: FieldError[]

  constructor(problem: Problem) {
    super(problem.detail)
    this.status = problem.status
    this.code = problem.code
    this.requestId = problem.request_id
    this.errors = problem.errors ?? []
  }

  /** Whether asking again can help; then it is also unknown whether the request was carried out. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

export type FieldError = { in: string; field: string; detail: string }
type Problem = { status: number; code: string; detail: string; request_id?: string; errors?: FieldError[] }

export type Answer<Body> = { body: Body; headers: Headers }
type Options = {
  method?: 'GET' | 'POST' | 'PATCH'
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal | undefined
  /** Where the call goes; the gateway unless another is named. */
  base?: string
  /** Statuses that carry an answer of this call, besides 2xx. */
  accepted?: number[]
}

const answerMsMax = 30_000

/** Calls the gateway. Throws RequestFailed for everything but a 2xx. */
export async function request<Body>(path: string, options: Options = {}): Promise<Answer<Body>> {
  const { method = 'GET', body, headers, signal, base = '/api', accepted = [] } = options
  const timeout = AbortSignal.timeout(answerMsMax)
  const response = await fetch(base + path, {
    method,
    headers: {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new RequestFailed(timeout.aborted ? slow : unreachable)
  })
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json')
  if (response.ok || (accepted.includes(response.status) && !isProblem))
    return { body: await response.json(), headers: response.headers }
  throw new RequestFailed(await problemOf(response))
}

const slow = { status: 0, code: 'timeout', detail: 'The server took longer than 30 seconds. Try again.' }
const unreachable = {
  status: 0,
  code: 'unreachable',
  detail: 'The server cannot be reached. Check the connection, then try again.',
}

async function problemOf(response: Response): Promise<Problem> {
  const problem = await response.json().catch(() => undefined)
  if (typeof problem?.detail === 'string' && typeof problem.code === 'string') return problem
  const detail = `The server answered ${response.status} without saying why. Try again.`
  return { status: response.status, code: 'unexplained', detail }
}

/** The cursor of the next page, from `Link: <…>; rel="next"`. */
export function nextCursor(headers: Headers): string | undefined {
  const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(headers.get('link') ?? '')?.[1]
  return next === undefined
    ? undefined
    : (new URL(next, 'http://gateway').searchParams.get('cursor') ?? undefined)
}
