/** Spans of what happens to events, for whoever looks at a whole system. There is a tracer only where one was asked for. */
export interface Tracer {
  /** @param parent a `traceparent`; without one the span begins a trace */
  begin(name: 'publish' | 'deliver', parent: string | undefined, facts: SpanFacts): OpenSpan
  /** Sends what is left, for a few seconds at most. Never rejects. */
  stop(): Promise<void>
}

/** No payloads, no URLs (a path may hold a secret), no names of people. */
export type SpanFacts = Readonly<Record<string, string | number>>

export interface OpenSpan {
  /** Names this span as the parent of what it causes. */
  readonly traceParent: string
  /** Exactly once. @param failure a stable code; absent when it went well */
  end(facts: SpanFacts, failure?: string): void
}

/** Where spans are sent; plain data, so that each thread can have a tracer of its own. */
export interface TracingSettings {
  /** The base URL of an OTLP receiver over HTTP; spans go to `v1/traces` below it. */
  readonly endpoint: string
  readonly version: string
}

/** Loads OpenTelemetry only when there is somewhere to send spans to: it costs a tenth of a second and ten megabytes. */
export async function startTracer(settings: TracingSettings | undefined): Promise<Tracer | undefined> {
  if (!settings) return undefined
  const { createOtlpTracer } = await import('./otlp-tracer.ts')
  return createOtlpTracer(settings)
}
