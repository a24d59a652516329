export type * from './api/types.ts'
export type * from './api/resources.ts'
export type { CallOptions, ConditionalCallOptions } from './call-options.ts'
export { DaybookClient } from './client.ts'
export type { RequestOptions } from './client.ts'
export { DaybookConnectionError, DaybookError } from './daybook-error.ts'
export type { DaybookErrorCode, RequestFault } from './daybook-error.ts'
export type { EventStream } from './event-stream.ts'
export type { Events } from './events.ts'
export { List } from './list.ts'
export type { Page } from './list.ts'
export type { AnyPayloads, AnyPublishEvent, EntityReference, PublishEvent } from './publish-event.ts'
export type { Query } from './query-text.ts'
export type { DaybookClientOptions } from './transport.ts'
export { verifyWebhook, WebhookVerificationError } from './verify-webhook.ts'
export type { VerifiedWebhook, VerifyWebhookOptions, WebhookVerificationCode } from './verify-webhook.ts'
export { createReceiver } from './receiver/create-receiver.ts'
export type {
  Receiver,
  ReceiverAnswer,
  ReceiverOptions,
  WebhookHandler,
  WebhookHandlers,
} from './receiver/create-receiver.ts'
export { memoryStore } from './receiver/receiver-store.ts'
export type { Claim, MemoryStoreOptions, ReceiverStore } from './receiver/receiver-store.ts'
export type { AnyWebhookEvent, WebhookEvent } from './receiver/webhook-event.ts'
