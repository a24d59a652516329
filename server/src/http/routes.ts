import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { RouteParts } from './http-parts.ts'
import { cancelDeliveries } from './routes/cancel-deliveries.ts'
import { cancelDelivery } from './routes/cancel-delivery.ts'
import { cancelJob } from './routes/cancel-job.ts'
import { cancelReplay } from './routes/cancel-replay.ts'
import { checkDefinition } from './routes/check-definition.ts'
import { createApiKey } from './routes/create-api-key.ts'
import { createCompany } from './routes/create-company.ts'
import { createDefinition } from './routes/create-definition.ts'
import { createReplay } from './routes/create-replay.ts'
import { createSubscription } from './routes/create-subscription.ts'
import { deleteDefinition } from './routes/delete-definition.ts'
import { deleteSubscription } from './routes/delete-subscription.ts'
import { disableSubscription } from './routes/disable-subscription.ts'
import { enableSubscription } from './routes/enable-subscription.ts'
import { exportAudit } from './routes/export-audit.ts'
import { exportEvents } from './routes/export-events.ts'
import { getCompany } from './routes/get-company.ts'
import { getDefinition } from './routes/get-definition.ts'
import { getDelivery } from './routes/get-delivery.ts'
import { getEventFacets } from './routes/get-event-facets.ts'
import { getEventRouting } from './routes/get-event-routing.ts'
import { getEvent } from './routes/get-event.ts'
import { getJob } from './routes/get-job.ts'
import { getReplay } from './routes/get-replay.ts'
import { getRetention } from './routes/get-retention.ts'
import { getStats } from './routes/get-stats.ts'
import { getSubscription } from './routes/get-subscription.ts'
import { getTimeline } from './routes/get-timeline.ts'
import { getWebhookLog } from './routes/get-webhook-log.ts'
import { healthz } from './routes/healthz.ts'
import { importDefinitions } from './routes/import-definitions.ts'
import { listApiKeys } from './routes/list-api-keys.ts'
import { listAudit } from './routes/list-audit.ts'
import { listCompanies } from './routes/list-companies.ts'
import { listDefinitionVersions } from './routes/list-definition-versions.ts'
import { listDefinitions } from './routes/list-definitions.ts'
import { listDeliveries } from './routes/list-deliveries.ts'
import { listEvents } from './routes/list-events.ts'
import { listJobs } from './routes/list-jobs.ts'
import { listReplays } from './routes/list-replays.ts'
import { listSubscriptions } from './routes/list-subscriptions.ts'
import { listWebhookLogs } from './routes/list-webhook-logs.ts'
import { metrics } from './routes/metrics.ts'
import { openApiDocument } from './routes/openapi-document.ts'
import { portalPage } from './routes/portal-page.ts'
import { pauseJob } from './routes/pause-job.ts'
import { pauseReplay } from './routes/pause-replay.ts'
import { previewRetention } from './routes/preview-retention.ts'
import { previewSubscription } from './routes/preview-subscription.ts'
import { publishBatch } from './routes/publish-batch.ts'
import { publishEvent } from './routes/publish-event.ts'
import { readyz } from './routes/readyz.ts'
import { recoverSubscription } from './routes/recover-subscription.ts'
import { replaceSubscription } from './routes/replace-subscription.ts'
import { resumeJob } from './routes/resume-job.ts'
import { resumeReplay } from './routes/resume-replay.ts'
import { retryDeliveries } from './routes/retry-deliveries.ts'
import { retryDelivery } from './routes/retry-delivery.ts'
import { revealSecrets } from './routes/reveal-secrets.ts'
import { revokeApiKey } from './routes/revoke-api-key.ts'
import { rotateSecret } from './routes/rotate-secret.ts'
import { setRetention } from './routes/set-retention.ts'
import { skipDelivery } from './routes/skip-delivery.ts'
import { sampleDefinition } from './routes/sample-definition.ts'
import { streamEvents } from './routes/stream-events.ts'
import { testSubscription } from './routes/test-subscription.ts'
import { testWebhook } from './routes/test-webhook.ts'
import { updateCompany } from './routes/update-company.ts'
import { updateDefinition } from './routes/update-definition.ts'
import { updateSubscription } from './routes/update-subscription.ts'

type Route = (parts: RouteParts) => FastifyPluginAsyncTypebox

/** Under the base path, in the order of the OpenAPI document. */
export const apiRoutes: readonly Route[] = [
  publishEvent,
  publishBatch,
  listEvents,
  exportEvents,
  streamEvents,
  getEventFacets,
  getTimeline,
  getStats,
  getEvent,
  getEventRouting,
  listDefinitions,
  createDefinition,
  getDefinition,
  updateDefinition,
  deleteDefinition,
  listDefinitionVersions,
  checkDefinition,
  sampleDefinition,
  importDefinitions,
  listSubscriptions,
  createSubscription,
  previewSubscription,
  getSubscription,
  replaceSubscription,
  updateSubscription,
  deleteSubscription,
  enableSubscription,
  disableSubscription,
  recoverSubscription,
  rotateSecret,
  testSubscription,
  revealSecrets,
  listDeliveries,
  getDelivery,
  retryDelivery,
  cancelDelivery,
  skipDelivery,
  retryDeliveries,
  cancelDeliveries,
  listJobs,
  getJob,
  pauseJob,
  resumeJob,
  cancelJob,
  listReplays,
  createReplay,
  getReplay,
  pauseReplay,
  resumeReplay,
  cancelReplay,
  testWebhook,
  listWebhookLogs,
  getWebhookLog,
  listAudit,
  exportAudit,
  getRetention,
  setRetention,
  previewRetention,
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
