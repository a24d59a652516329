import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Context, SpanContext } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { traceParent } from './trace-context.ts'
import type { Tracer, TracingSettings } from './tracer.ts'

const kinds = { publish: SpanKind.PRODUCER, deliver: SpanKind.CLIENT } as const

/** At a stop, a receiver that hangs is not waited for. */
const FLUSH_MS_MAX = 2_000

/**
 * A tracer that sends spans by OTLP over HTTP, in the background and in batches. A receiver that is away costs spans and nothing
 * else: the queue is bounded. A trace that its caller does not sample is not recorded. Headers, time-outs, names and attributes of the
 * service are read by the library, from the variables that its specification gives them (`OTEL_*`).
 */
export function createOtlpTracer({ endpoint, version }: TracingSettings): Tracer {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` })
  const own = resourceFromAttributes({ 'service.name': 'daybook', 'service.version': version })
  const named = detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] })
  const provider = new TracerProvider({
    resource: own.merge(named),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  })
  const tracer = provider.getTracer('daybook', version)
  return {
    begin: (name, parent, attributes) => {
      const span = tracer.startSpan(name, { kind: kinds[name], attributes }, contextOf(parent))
      const { traceId, spanId, traceFlags } = span.spanContext()
      return {
        traceParent: traceParent(traceId, spanId, traceFlags),
        end: (facts, failure) => {
          span.setAttributes(facts)
          if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure })
          span.end()
        },
      }
    },
    stop: async () => {
      const enough = new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS_MAX).unref())
      await Promise.race([provider.shutdown().catch(() => {}), enough])
    },
  }
}

function contextOf(parent: string | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT
  const [, traceId = '', spanId = '', flags = ''] = parent.split('-')
  const remote: SpanContext = { traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true }
  return trace.setSpanContext(ROOT_CONTEXT, remote)
}
