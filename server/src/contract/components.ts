import { ApiKey, ApiKeyWithText } from './api-key.ts'
import { AuditEntry } from './audit.ts'
import { Company, CompanyWithKey } from './company.ts'
import type { Component } from './component.ts'
import { Definition, DefinitionCheck, DefinitionSample, DefinitionSummary, DefinitionVersion } from './definition.ts'
import { DefinitionImport } from './definition-import.ts'
import { Delivery, DeliveryWithAttempts } from './delivery.ts'
import { EventInput, PublishedEvent } from './event-input.ts'
import { EventFacets } from './event-facets.ts'
import { Event, EventPart, EventWithDeliveries, LinkedEvent } from './event.ts'
import { Job, JobCount } from './job.ts'
import { Problem } from './problem.ts'
import { Replay, ReplayEstimate } from './replay.ts'
import { Retention, RetentionPreview } from './retention.ts'
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
import { Timeline, TimelineEvent } from './timeline.ts'
import { WebhookCall } from './webhook-call.ts'
import { WebhookLog, WebhookLogSummary } from './webhook-log.ts'
import { WebhookTest } from './webhook-test.ts'

/** Every named schema of the OpenAPI document. */
export const components: readonly Component[] = [
  ApiKey,
  ApiKeyWithText,
  AuditEntry,
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
  EventFacets,
  EventInput,
  EventPart,
  EventWithDeliveries,
  Job,
  JobCount,
  FailedCondition,
  LinkedEvent,
  Problem,
  PublishedEvent,
  Replay,
  ReplayEstimate,
  Retention,
  RetentionPreview,
  RevealedSecrets,
  RoutingExplanation,
  Stats,
  Subscription,
  SubscriptionPreview,
  SubscriptionWithSecret,
  Timeline,
  TimelineEvent,
  WebhookCall,
  WebhookLog,
  WebhookLogSummary,
  WebhookTest,
]
