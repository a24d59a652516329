import { ApiKey, ApiKeyWithText } from './api-key.ts'
import { Company, CompanyWithKey } from './company.ts'
import type { Component } from './component.ts'
import { Definition, DefinitionCheck, DefinitionSample, DefinitionSummary, DefinitionVersion } from './definition.ts'
import { DefinitionImport } from './definition-import.ts'
import { Delivery, DeliveryWithAttempts } from './delivery.ts'
import { EventInput, PublishedEvent } from './event-input.ts'
import { Event, EventWithDeliveries } from './event.ts'
import { Job, JobCount } from './job.ts'
import { Problem } from './problem.ts'
import { FailedCondition, RoutingExplanation, SubscriptionPreview } from './routing.ts'
import { Stats } from './stats.ts'
import {
  ChangedSubscription,
  CreatedSubscription,
  EnabledSubscription,
  RevealedSecrets,
  Subscription,
  SubscriptionWithSecret,
} from './subscription.ts'
import { WebhookCall } from './webhook-call.ts'
import { WebhookLog, WebhookLogSummary } from './webhook-log.ts'
import { WebhookTest } from './webhook-test.ts'

/** Every named schema of the OpenAPI document. */
export const components: readonly Component[] = [
  ApiKey,
  ApiKeyWithText,
  ChangedSubscription,
  Company,
  CompanyWithKey,
  CreatedSubscription,
  Definition,
  DefinitionCheck,
  DefinitionImport,
  DefinitionSample,
  DefinitionSummary,
  DefinitionVersion,
  Delivery,
  DeliveryWithAttempts,
  EnabledSubscription,
  Event,
  EventInput,
  EventWithDeliveries,
  Job,
  JobCount,
  FailedCondition,
  Problem,
  PublishedEvent,
  RevealedSecrets,
  RoutingExplanation,
  Stats,
  Subscription,
  SubscriptionPreview,
  SubscriptionWithSecret,
  WebhookCall,
  WebhookLog,
  WebhookLogSummary,
  WebhookTest,
]
