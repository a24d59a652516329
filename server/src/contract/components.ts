import { ApiKey, ApiKeyWithText } from './api-key.ts'
import { Company, CompanyWithKey } from './company.ts'
import type { Component } from './component.ts'
import { Definition } from './definition.ts'
import { Delivery, DeliveryWithAttempts } from './delivery.ts'
import { EventInput, PublishedEvent } from './event-input.ts'
import { Event, EventWithDeliveries } from './event.ts'
import { Problem } from './problem.ts'
import { EnabledSubscription, Subscription, SubscriptionWithSecret } from './subscription.ts'
import { WebhookCall } from './webhook-call.ts'
import { WebhookLog, WebhookLogSummary } from './webhook-log.ts'

/** Every named schema of the OpenAPI document. */
export const components: readonly Component[] = [
  ApiKey,
  ApiKeyWithText,
  Company,
  CompanyWithKey,
  Definition,
  Delivery,
  DeliveryWithAttempts,
  EnabledSubscription,
  Event,
  EventInput,
  EventWithDeliveries,
  Problem,
  PublishedEvent,
  Subscription,
  SubscriptionWithSecret,
  WebhookCall,
  WebhookLog,
  WebhookLogSummary,
]
