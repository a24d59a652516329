import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { HttpParts } from './http-parts.ts'
import { cancelDelivery } from './routes/cancel-delivery.ts'
import { createApiKey } from './routes/create-api-key.ts'
import { createCompany } from './routes/create-company.ts'
import { createSubscription } from './routes/create-subscription.ts'
import { deleteSubscription } from './routes/delete-subscription.ts'
import { disableSubscription } from './routes/disable-subscription.ts'
import { enableSubscription } from './routes/enable-subscription.ts'
import { getCompany } from './routes/get-company.ts'
import { getDefinition } from './routes/get-definition.ts'
import { getDelivery } from './routes/get-delivery.ts'
import { getEvent } from './routes/get-event.ts'
import { getSubscription } from './routes/get-subscription.ts'
import { getWebhookLog } from './routes/get-webhook-log.ts'
import { healthz } from './routes/healthz.ts'
import { listApiKeys } from './routes/list-api-keys.ts'
import { listCompanies } from './routes/list-companies.ts'
import { listDefinitions } from './routes/list-definitions.ts'
import { listDeliveries } from './routes/list-deliveries.ts'
import { listEvents } from './routes/list-events.ts'
import { listSubscriptions } from './routes/list-subscriptions.ts'
import { listWebhookLogs } from './routes/list-webhook-logs.ts'
import { metrics } from './routes/metrics.ts'
import { openApiDocument } from './routes/openapi-document.ts'
import { portalPage } from './routes/portal-page.ts'
import { publishBatch } from './routes/publish-batch.ts'
import { publishEvent } from './routes/publish-event.ts'
import { readyz } from './routes/readyz.ts'
import { retryDelivery } from './routes/retry-delivery.ts'
import { revokeApiKey } from './routes/revoke-api-key.ts'
import { rotateSecret } from './routes/rotate-secret.ts'
import { updateCompany } from './routes/update-company.ts'
import { updateSubscription } from './routes/update-subscription.ts'

type Route = (parts: HttpParts) => FastifyPluginAsyncTypebox

/** Under the base path, in the order of the OpenAPI document. */
export const apiRoutes: readonly Route[] = [
  publishEvent,
  publishBatch,
  listEvents,
  getEvent,
  listDefinitions,
  getDefinition,
  listSubscriptions,
  createSubscription,
  getSubscription,
  updateSubscription,
  deleteSubscription,
  enableSubscription,
  disableSubscription,
  rotateSecret,
  listDeliveries,
  getDelivery,
  retryDelivery,
  cancelDelivery,
  listWebhookLogs,
  getWebhookLog,
  listApiKeys,
  createApiKey,
  revokeApiKey,
  listCompanies,
  createCompany,
  getCompany,
  updateCompany,
  openApiDocument,
]

export const rootRoutes: readonly Route[] = [healthz, readyz, metrics, portalPage]
