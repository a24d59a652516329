import fastifySwagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { components } from '../contract/components.ts'
import { bodyProblems, problemResponses } from './problem-responses.ts'

const description = `Daybook records every business event of a company in one ordered, provable log and posts it as signed
webhooks. Errors are problem documents (RFC 9457) with a stable \`code\`. Every answer carries the header \`request-id\`, and where a
key is asked for \`ratelimit\` and \`ratelimit-policy\` too.`

/** Collects the routes that are registered after it; `app.swagger()` is then the OpenAPI 3.1 document. */
export async function describeApi(app: FastifyInstance, version: string): Promise<void> {
  for (const { schema } of components) app.addSchema(schema)
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Daybook', version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
      servers: [{ url: '/' }],
      tags: [
        { name: 'events', description: 'Publish events and read them back' },
        { name: 'audit', description: 'Who did what, when, from where and why' },
        { name: 'definitions', description: 'What event names mean and what their payloads look like' },
        { name: 'subscriptions', description: 'Who is sent which events' },
        { name: 'deliveries', description: 'What became of each event for each subscription' },
        { name: 'jobs', description: 'Long work that somebody started, and how far it is' },
        { name: 'replays', description: 'Past events posted again' },
        { name: 'retention', description: 'How long payloads and the ledger are kept' },
        { name: 'api-keys', description: 'Keys of a company' },
        { name: 'companies', description: "By the operator's key" },
        { name: 'operations', description: 'For machines that watch over the server' },
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or the key of the operator' },
        },
      },
      security: [{ bearer: [] }],
      webhooks: { event: { post: webhook } },
    },
    transform: ({ schema, url, route }) => ({ url, schema: withUnaskedBody(schema, [route.method].flat()) }),
    refResolver: { buildLocalReference: (json, _baseUri, _fragment, index) => nameOf(json.$id, index) },
  })
}

/**
 * A route that asks for no body reads what is sent all the same, where the method may have one, and takes no notice of it;
 * but it has to be JSON, and not too large.
 */
function withUnaskedBody(schema: FastifySchema, methods: readonly string[]): FastifySchema {
  if (schema.body !== undefined || !methods.some((method) => writing.has(method))) return schema
  return { ...schema, response: { ...problemResponses(...bodyProblems), ...Object(schema.response) } }
}

const writing: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

function nameOf(id: unknown, index: number): string {
  return typeof id === 'string' ? id : `def-${index}`
}

const header = (name: string, text: string, required = true) => ({
  name,
  in: 'header' as const,
  required,
  description: text,
  schema: { type: 'string' as const },
})

const webhook = {
  operationId: 'receiveEvent',
  summary: 'What a subscriber is sent, as Standard Webhooks 1.0 has it',
  description:
    'At least once; every copy of an event carries the same `webhook-id`. Any 2xx ends the delivery; 410 ends it and ' +
    'disables the subscription; anything else, or no answer in time, is tried again on the schedule.',
  parameters: [
    header('webhook-id', "The event's id"),
    header('webhook-timestamp', 'Seconds since 1970 of this attempt; receivers refuse old ones'),
    header(
      'webhook-signature',
      'One or more of `v1,` and the base64 of HMAC-SHA256 over `webhook-id.webhook-timestamp.body`, separated by blanks',
    ),
    header('webhook-replay-id', 'Of the replay that sends the event again', false),
    header('traceparent', 'Of the trace that the publish was part of (W3C Trace Context)', false),
  ],
  requestBody: {
    required: true,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/WebhookCall' } } },
  },
  responses: { '2XX': { description: 'Received' } },
}
