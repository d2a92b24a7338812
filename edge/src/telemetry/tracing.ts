import type { Attributes, SpanKind } from '@opentelemetry/api'

/** W3C trace context: where a trace has got to, `00-<trace>-<span>-<flags>`. */
export type Traceparent = string | undefined

export type OngoingSpan = {
  traceId: string
  /** What the work inside this span hands on. */
  traceparent: string
  end(outcome: { error?: unknown; attributes?: Attributes }): void
}

/** Work that is done once for many traces: a transaction, a publish, a batch. */
export type SharedSpan = {
  /** What part i hands on: its own span's, or what it came with where its trace is not recorded. */
  traceparents: readonly Traceparent[]
  end(error?: unknown): void
}

export type Tracing = {
  /** Goes on with the caller's trace, or begins one. */
  begin(name: string, kind: SpanKind, parent: Traceparent, attributes: Attributes): OngoingSpan
  /**
   * A span in each recorded trace among the parents, child of its parent, all with the same times. Those after
   * the first are linked to it, so that from any trace one gets to what it shared its work with.
   */
  share(
    kind: SpanKind,
    parents: readonly Traceparent[],
    spanOf: (part: number) => { name: string; attributes?: Attributes },
  ): SharedSpan
  /** Sends what is left, for at most 2 s. */
  stop(): Promise<void>
}
