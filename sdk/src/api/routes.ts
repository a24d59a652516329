/** Made from docs/openapi.json by `npm run openapi`; not to be changed by hand. */

import type { Route } from '../route.ts'

export const routes: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  server: {
    health: { verb: 'GET', path: '/healthz', takes: 'nothing', answer: 'json', isRepeatable: true },
    ready: { verb: 'GET', path: '/readyz', takes: 'nothing', answer: 'json', isRepeatable: true },
    metrics: { verb: 'GET', path: '/metrics', takes: 'nothing', answer: 'text', isRepeatable: true },
    openApi: { verb: 'GET', path: '/api/v1/openapi.json', takes: 'nothing', answer: 'json', isRepeatable: true },
  },
  events: {
    publish: { verb: 'POST', path: '/api/v1/events', takes: 'body', answer: 'json', isRepeatable: true },
    list: { verb: 'GET', path: '/api/v1/events', takes: 'query', answer: 'list', isRepeatable: true },
    publishBatch: { verb: 'POST', path: '/api/v1/events/batch', takes: 'body', answer: 'json', isRepeatable: true },
    export: { verb: 'GET', path: '/api/v1/events/export', takes: 'query', answer: 'bytes', isRepeatable: true },
    facets: { verb: 'GET', path: '/api/v1/events/facets', takes: 'query', answer: 'json', isRepeatable: true },
    timeline: { verb: 'GET', path: '/api/v1/events/timeline', takes: 'query', answer: 'list', isRepeatable: true },
    stats: { verb: 'GET', path: '/api/v1/events/stats', takes: 'query', answer: 'json', isRepeatable: true },
    get: { verb: 'GET', path: '/api/v1/events/{id}', takes: 'nothing', answer: 'json', isRepeatable: true },
    routing: { verb: 'GET', path: '/api/v1/events/{id}/routing', takes: 'query', answer: 'list', isRepeatable: true },
  },
  definitions: {
    list: { verb: 'GET', path: '/api/v1/events/schemas', takes: 'query', answer: 'list', isRepeatable: true },
    create: { verb: 'POST', path: '/api/v1/events/schemas', takes: 'body', answer: 'json', isRepeatable: false },
    get: { verb: 'GET', path: '/api/v1/events/schemas/{event_name}', takes: 'query', answer: 'json', isRepeatable: true },
    update: { verb: 'PUT', path: '/api/v1/events/schemas/{event_name}', takes: 'body', answer: 'json', isRepeatable: false },
    delete: { verb: 'DELETE', path: '/api/v1/events/schemas/{event_name}', takes: 'nothing', answer: 'nothing', isRepeatable: false },
    versions: { verb: 'GET', path: '/api/v1/events/schemas/{event_name}/versions', takes: 'query', answer: 'list', isRepeatable: true },
    check: { verb: 'POST', path: '/api/v1/events/schemas/{event_name}/check', takes: 'body', answer: 'json', isRepeatable: true },
    sample: { verb: 'GET', path: '/api/v1/events/schemas/{event_name}/sample', takes: 'query', answer: 'json', isRepeatable: true },
    import: { verb: 'POST', path: '/api/v1/events/schemas/import', takes: 'body', answer: 'json', isRepeatable: false },
  },
  subscriptions: {
    list: { verb: 'GET', path: '/api/v1/events/subscriptions', takes: 'query', answer: 'list', isRepeatable: true },
    create: { verb: 'POST', path: '/api/v1/events/subscriptions', takes: 'body', answer: 'json', isRepeatable: false },
    preview: { verb: 'POST', path: '/api/v1/events/subscriptions/preview', takes: 'body', answer: 'json', isRepeatable: true },
    get: { verb: 'GET', path: '/api/v1/events/subscriptions/{id}', takes: 'nothing', answer: 'json', isRepeatable: true },
    replace: { verb: 'PUT', path: '/api/v1/events/subscriptions/{id}', takes: 'body', answer: 'json', isRepeatable: false },
    update: { verb: 'PATCH', path: '/api/v1/events/subscriptions/{id}', takes: 'body', answer: 'json', isRepeatable: false },
    delete: { verb: 'DELETE', path: '/api/v1/events/subscriptions/{id}', takes: 'nothing', answer: 'nothing', isRepeatable: false },
    enable: { verb: 'POST', path: '/api/v1/events/subscriptions/{id}/enable', takes: 'body', answer: 'json', isRepeatable: false },
    disable: { verb: 'POST', path: '/api/v1/events/subscriptions/{id}/disable', takes: 'nothing', answer: 'json', isRepeatable: false },
    recover: { verb: 'POST', path: '/api/v1/events/subscriptions/{id}/recover', takes: 'body', answer: 'json', isRepeatable: false },
    rotateSecret: { verb: 'POST', path: '/api/v1/events/subscriptions/{id}/rotate-secret', takes: 'body', answer: 'json', isRepeatable: false },
    test: { verb: 'POST', path: '/api/v1/events/subscriptions/{id}/test', takes: 'body', answer: 'json', isRepeatable: false },
    revealSecrets: { verb: 'POST', path: '/api/v1/events/subscriptions/{id}/reveal-secrets', takes: 'nothing', answer: 'json', isRepeatable: false },
  },
  deliveries: {
    list: { verb: 'GET', path: '/api/v1/events/deliveries', takes: 'query', answer: 'list', isRepeatable: true },
    get: { verb: 'GET', path: '/api/v1/events/deliveries/{id}', takes: 'nothing', answer: 'json', isRepeatable: true },
    retry: { verb: 'POST', path: '/api/v1/events/deliveries/{id}/retry', takes: 'nothing', answer: 'json', isRepeatable: false },
    cancel: { verb: 'POST', path: '/api/v1/events/deliveries/{id}/cancel', takes: 'nothing', answer: 'json', isRepeatable: false },
    skip: { verb: 'POST', path: '/api/v1/events/deliveries/{id}/skip', takes: 'nothing', answer: 'json', isRepeatable: false },
    retryMany: { verb: 'POST', path: '/api/v1/events/deliveries/retry', takes: 'body', answer: 'json', isRepeatable: false },
    cancelMany: { verb: 'POST', path: '/api/v1/events/deliveries/cancel', takes: 'body', answer: 'json', isRepeatable: false },
  },
  jobs: {
    list: { verb: 'GET', path: '/api/v1/events/jobs', takes: 'query', answer: 'list', isRepeatable: true },
    get: { verb: 'GET', path: '/api/v1/events/jobs/{id}', takes: 'nothing', answer: 'json', isRepeatable: true },
    cancel: { verb: 'POST', path: '/api/v1/events/jobs/{id}/cancel', takes: 'nothing', answer: 'json', isRepeatable: false },
  },
  webhooks: {
    test: { verb: 'POST', path: '/api/v1/events/test-webhook', takes: 'body', answer: 'json', isRepeatable: false },
  },
  webhookLogs: {
    list: { verb: 'GET', path: '/api/v1/events/webhook-logs', takes: 'query', answer: 'list', isRepeatable: true },
    get: { verb: 'GET', path: '/api/v1/events/webhook-logs/{id}', takes: 'nothing', answer: 'json', isRepeatable: true },
  },
  audit: {
    list: { verb: 'GET', path: '/api/v1/audit', takes: 'query', answer: 'list', isRepeatable: true },
    export: { verb: 'GET', path: '/api/v1/audit/export', takes: 'query', answer: 'bytes', isRepeatable: true },
  },
  apiKeys: {
    list: { verb: 'GET', path: '/api/v1/api-keys', takes: 'query', answer: 'list', isRepeatable: true },
    create: { verb: 'POST', path: '/api/v1/api-keys', takes: 'body', answer: 'json', isRepeatable: false },
    revoke: { verb: 'DELETE', path: '/api/v1/api-keys/{id}', takes: 'nothing', answer: 'json', isRepeatable: false },
  },
  companies: {
    list: { verb: 'GET', path: '/api/v1/companies', takes: 'query', answer: 'list', isRepeatable: true },
    create: { verb: 'POST', path: '/api/v1/companies', takes: 'body', answer: 'json', isRepeatable: false },
    get: { verb: 'GET', path: '/api/v1/companies/{id}', takes: 'nothing', answer: 'json', isRepeatable: true },
    update: { verb: 'PATCH', path: '/api/v1/companies/{id}', takes: 'body', answer: 'json', isRepeatable: false },
  },
}
