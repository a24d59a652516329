/** Made from docs/openapi.json by `npm run openapi`; not to be changed by hand. */

/** The stable codes of problem documents. */
export type ProblemCode =
  | "malformed_json"
  | "duplicate_key"
  | "nesting_too_deep"
  | "unstorable_text"
  | "invalid_request"
  | "invalid_cursor"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "not_acceptable"
  | "method_not_allowed"
  | "idempotency_conflict"
  | "delivery_in_flight"
  | "delivery_pending"
  | "delivery_blocked"
  | "delivery_not_ordered"
  | "delivery_ended"
  | "count_changed"
  | "job_ended"
  | "job_limit"
  | "payload_expired"
  | "subscription_deleted"
  | "secret_unreadable"
  | "recovery_running"
  | "subscription_not_recoverable"
  | "subscription_limit"
  | "log_expired"
  | "precondition_failed"
  | "definition_exists"
  | "definition_limit"
  | "definition_in_use"
  | "definition_transition"
  | "standard_definition"
  | "incompatible_schema"
  | "payload_too_large"
  | "body_too_large"
  | "unsupported_media_type"
  | "invalid_event_name"
  | "unknown_event_name"
  | "reserved_event_name"
  | "definition_archived"
  | "invalid_definition"
  | "invalid_document"
  | "import_refused"
  | "schema_violation"
  | "invalid_event_id"
  | "invalid_time"
  | "invalid_entity"
  | "too_many_related"
  | "duplicate_event"
  | "batch_too_large"
  | "invalid_url"
  | "unknown_subscription"
  | "count_required"
  | "job_too_large"
  | "position_ahead"
  | "invalid_retention"
  | "invalid_filter"
  | "invalid_header"
  | "invalid_credentials"
  | "too_many_tests"
  | "too_many_streams"
  | "rate_limited"
  | "internal_error"
  | "unavailable"
  | "streams_full"
  | "too_busy"
  | "shutting_down"

/** An API key, without its text */
export interface ApiKey {
  /** UUID, in lower case */
  readonly id: string
  readonly name: string
  /** First and last characters of the key */
  readonly hint: string
  readonly scopes: readonly ("*" | "events:read" | "events:write" | "audit:read" | "definitions:write" | "subscriptions:read" | "subscriptions:write" | "secrets:read" | "deliveries:read" | "deliveries:write" | "replays:write" | "retention:read" | "retention:write" | "keys:read" | "keys:write")[]
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
  readonly expires_at: string | null
  readonly revoked_at: string | null
}

/** A new API key */
export interface ApiKeyWithText {
  /** UUID, in lower case */
  readonly id: string
  readonly name: string
  /** First and last characters of the key */
  readonly hint: string
  readonly scopes: readonly ("*" | "events:read" | "events:write" | "audit:read" | "definitions:write" | "subscriptions:read" | "subscriptions:write" | "secrets:read" | "deliveries:read" | "deliveries:write" | "replays:write" | "retention:read" | "retention:write" | "keys:read" | "keys:write")[]
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
  readonly expires_at: string | null
  readonly revoked_at: string | null
  /** The key itself. It stands in this answer and never again */
  readonly key: string
}

/** Who did what to which entity, when, from where and why */
export interface AuditEntry {
  readonly position: number
  /** UUID, in lower case */
  readonly event_id: string
  /** What was done */
  readonly event_name: string
  readonly actor: {
    readonly type: string
    readonly id: string
    readonly name?: string
  } | null
  readonly entity: {
    readonly type: string
    readonly id: string
  } | null
  readonly related: readonly ({
    readonly type: string
    readonly id: string
  })[]
  readonly source: string | null
  readonly correlation_id: string | null
  readonly causation_id: string | null
  /** The member `reason` of the payload, where it is a text */
  readonly reason: string | null
  readonly occurred_at: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly recorded_at: string
  /** SHA-256 over header and payload, in hexadecimal */
  readonly digest: string
  /** What only the payload told is no longer stored */
  readonly payload_expired: boolean
  /** The member `before` of the payload: `daybook.*` events have it; null without */
  readonly before: unknown
  /** Likewise `after` */
  readonly after: unknown
}

/** A subscription after a change */
export interface ChangedSubscription {
  /** UUID, in lower case */
  readonly id: string
  readonly webhook_url: string
  readonly event_names: readonly string[]
  readonly description: string | null
  /** `inactive` was asked for; `disabled` followed from failures */
  readonly status: "active" | "inactive" | "disabled" | "deleted"
  readonly active: boolean
  readonly disabled_reason: string | null
  readonly concurrency: number
  readonly timeout_ms: number
  readonly rate_limit: number | null
  readonly filter: Readonly<Record<string, unknown>> | null
  readonly headers: Readonly<Record<string, string>>
  /** How calls show who calls */
  readonly auth: {
    /** Its secrets are in no answer but that of `reveal-secrets` */
    readonly type: "none" | "api_key" | "basic" | "bearer" | "oauth2"
    readonly header?: string
    readonly username?: string
    readonly token_url?: string
    readonly client_id?: string
    readonly scope?: string
    readonly audience?: string
    readonly client_auth?: "basic" | "post"
  }
  readonly tls: {
    readonly certificate: {
      readonly subject: string
      readonly issuer: string
      /** SHA-256, hexadecimal with colons */
      readonly fingerprint: string
      /** RFC 3339, in UTC with milliseconds */
      readonly expires_at: string
    } | null
    readonly ca: readonly ({
      readonly subject: string
      readonly issuer: string
      /** SHA-256, hexadecimal with colons */
      readonly fingerprint: string
      /** RFC 3339, in UTC with milliseconds */
      readonly expires_at: string
    })[]
  } | null
  /** The form of the body: that of Daybook, or CloudEvents 1.0 in structured mode */
  readonly format: "daybook" | "cloudevents"
  /** What is sent one after the other: nothing; the events of each entity; all. What comes after a delivery that fails waits until it has ended */
  readonly ordering: "none" | "entity" | "subscription"
  readonly retry_schedule: readonly number[] | null
  /** How calls are signed: HMAC-SHA256 (`v1`), or Ed25519 (`v1a`) */
  readonly signature: "hmac" | "ed25519"
  /** What `v1a` signatures are verified with, `whpk_…`; null with HMAC */
  readonly public_key: string | null
  /** The first position whose event was not sent to it; null while events are sent to it as they come */
  readonly held_from_position: number | null
  /** The job for which new events are held back while it is active: a replay, or the recovery that lets them follow */
  readonly held_by: string | null
  /** Deliveries that failed since the last one that did not */
  readonly failures_in_row: number
  readonly last_success_at: string | null
  readonly last_failure_at: string | null
  /** `open`: nobody answers there, so nothing is called until `next_call_at`; `recovering`: calls come back step by step */
  readonly breaker: "closed" | "open" | "recovering"
  readonly next_call_at: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
  /** RFC 3339, in UTC with milliseconds */
  readonly updated_at: string
  /** What is accepted and probably not meant: names of events that no definition has */
  readonly warnings: readonly ({
    readonly pointer: string
    readonly code: string
    readonly message: string
  })[]
}

/** A company */
export interface Company {
  /** UUID, in lower case */
  readonly id: string
  readonly name: string
  readonly settings: {
    /** Events whose name has no definition are accepted */
    readonly allow_undeclared_events: boolean
    /** Failed deliveries in a row after which a subscription is disabled */
    readonly disable_after_failures: number
    /** Each day ends with a `metrics.updated` of its statistics */
    readonly daily_metrics: boolean
  }
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
}

/** A new company with its first API key */
export interface CompanyWithKey {
  /** UUID, in lower case */
  readonly id: string
  readonly name: string
  readonly settings: {
    /** Events whose name has no definition are accepted */
    readonly allow_undeclared_events: boolean
    /** Failed deliveries in a row after which a subscription is disabled */
    readonly disable_after_failures: number
    /** Each day ends with a `metrics.updated` of its statistics */
    readonly daily_metrics: boolean
  }
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
  /** Its first API key, which may do everything within it. It stands in this answer and never again */
  readonly api_key: string
}

/** A new subscription with its signing secret */
export interface CreatedSubscription {
  /** UUID, in lower case */
  readonly id: string
  readonly webhook_url: string
  readonly event_names: readonly string[]
  readonly description: string | null
  /** `inactive` was asked for; `disabled` followed from failures */
  readonly status: "active" | "inactive" | "disabled" | "deleted"
  readonly active: boolean
  readonly disabled_reason: string | null
  readonly concurrency: number
  readonly timeout_ms: number
  readonly rate_limit: number | null
  readonly filter: Readonly<Record<string, unknown>> | null
  readonly headers: Readonly<Record<string, string>>
  /** How calls show who calls */
  readonly auth: {
    /** Its secrets are in no answer but that of `reveal-secrets` */
    readonly type: "none" | "api_key" | "basic" | "bearer" | "oauth2"
    readonly header?: string
    readonly username?: string
    readonly token_url?: string
    readonly client_id?: string
    readonly scope?: string
    readonly audience?: string
    readonly client_auth?: "basic" | "post"
  }
  readonly tls: {
    readonly certificate: {
      readonly subject: string
      readonly issuer: string
      /** SHA-256, hexadecimal with colons */
      readonly fingerprint: string
      /** RFC 3339, in UTC with milliseconds */
      readonly expires_at: string
    } | null
    readonly ca: readonly ({
      readonly subject: string
      readonly issuer: string
      /** SHA-256, hexadecimal with colons */
      readonly fingerprint: string
      /** RFC 3339, in UTC with milliseconds */
      readonly expires_at: string
    })[]
  } | null
  /** The form of the body: that of Daybook, or CloudEvents 1.0 in structured mode */
  readonly format: "daybook" | "cloudevents"
  /** What is sent one after the other: nothing; the events of each entity; all. What comes after a delivery that fails waits until it has ended */
  readonly ordering: "none" | "entity" | "subscription"
  readonly retry_schedule: readonly number[] | null
  /** How calls are signed: HMAC-SHA256 (`v1`), or Ed25519 (`v1a`) */
  readonly signature: "hmac" | "ed25519"
  /** What `v1a` signatures are verified with, `whpk_…`; null with HMAC */
  readonly public_key: string | null
  /** The first position whose event was not sent to it; null while events are sent to it as they come */
  readonly held_from_position: number | null
  /** The job for which new events are held back while it is active: a replay, or the recovery that lets them follow */
  readonly held_by: string | null
  /** Deliveries that failed since the last one that did not */
  readonly failures_in_row: number
  readonly last_success_at: string | null
  readonly last_failure_at: string | null
  /** `open`: nobody answers there, so nothing is called until `next_call_at`; `recovering`: calls come back step by step */
  readonly breaker: "closed" | "open" | "recovering"
  readonly next_call_at: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
  /** RFC 3339, in UTC with milliseconds */
  readonly updated_at: string
  /** What is accepted and probably not meant: names of events that no definition has */
  readonly warnings: readonly ({
    readonly pointer: string
    readonly code: string
    readonly message: string
  })[]
  /** The signing secret. It stands in this answer and never again */
  readonly secret: string
}

/** The definition of an event name */
export interface Definition {
  readonly event_name: string
  readonly source: "standard" | "custom"
  /** `draft`: not in force; `active`: publishes are judged by it; `deprecated`: the same, with a warning; `archived`: publishes are refused */
  readonly status: "draft" | "active" | "deprecated" | "archived"
  readonly version: number
  readonly title: string
  readonly description: string
  readonly owner: string | null
  readonly tags: readonly string[]
  /** Null for a standard definition */
  readonly compatibility: "none" | "backward" | "backward_transitive" | "forward" | "forward_transitive" | "full" | "full_transitive" | null
  /** The entity of an event that does not name one */
  readonly entity: {
    readonly type: string
    /** JSON pointer to the id, into the payload */
    readonly id: string
  } | null
  readonly related: readonly ({
    readonly type: string
    /** JSON pointer to the id, into the payload */
    readonly id: string
  })[]
  readonly created_at: string | null
  readonly updated_at: string | null
  /** What the schema marks by `x-personal` */
  readonly personal: readonly ({
    /** JSON pointer into the payload; the token `*` stands for every item of a list */
    readonly pointer: string
    readonly category?: string
    readonly purpose?: string
    /** JSON pointer into the payload, to the id of the person */
    readonly subject?: string
  })[]
  readonly examples: readonly unknown[]
  /** JSON Schema 2020-12 of the payload */
  readonly schema: unknown
}

/** What would become of a schema */
export interface DefinitionCheck {
  /** It could be put now: neither a fault nor an incompatibility */
  readonly acceptable: boolean
  /** What keeps it from being a definition; pointers lead into the request */
  readonly faults: readonly ({
    readonly pointer: string
    readonly code: string
    readonly message: string
  })[]
  /** What a new version must keep: `backward` for producers that write by an older version, `forward` for consumers that read by one, `full` both; of the version before it, or with `_transitive` of all */
  readonly compatibility: "none" | "backward" | "backward_transitive" | "forward" | "forward_transitive" | "full" | "full_transitive"
  /** The first 100 */
  readonly incompatibilities: readonly ({
    /** The older version that it breaks */
    readonly version: number
    readonly breaks: "producers" | "consumers"
    /** Into the schema of the request where producers break, into that of `version` where consumers do */
    readonly pointer: string
    readonly code: string
    readonly message: string
  })[]
  /** Null where the schema has faults */
  readonly rehearsal: {
    /** How many stored events were judged */
    readonly checked: number
    readonly failing: number
    /** False when time ran out before all that were asked for */
    readonly complete: boolean
    /** Up to 10 events that would fail, the newest first */
    readonly samples: readonly ({
      /** UUID, in lower case */
      readonly event_id: string
      readonly position: number
      readonly faults: readonly ({
        readonly pointer: string
        readonly code: string
        readonly message: string
      })[]
    })[]
  } | null
}

/** What an import of definitions does, or would do */
export interface DefinitionImport {
  readonly format: "openapi" | "asyncapi" | "definition"
  readonly dry_run: boolean
  /** In the order of the document */
  readonly definitions: readonly ({
    readonly event_name: string
    /** Where in the document it stands */
    readonly pointer: string
    readonly outcome: "create" | "new_version" | "update" | "unchanged" | "refused"
    readonly version: number | null
    readonly code: string | null
    readonly detail: string | null
    /** Pointers into `{ schema, examples }` of the definition; with `incompatible_schema` into the new schema where producers break, into that of `version` where consumers do */
    readonly errors: readonly ({
      /** JSON pointer (RFC 6901) */
      readonly pointer: string
      /** Stable */
      readonly code: string
      readonly message: string
      /** The older version that breaks */
      readonly version?: number
      readonly breaks?: "producers" | "consumers"
    })[]
  })[]
  /** What in the document cannot be imported; pointers into the document */
  readonly errors: readonly ({
    /** JSON pointer (RFC 6901) */
    readonly pointer: string
    /** Stable */
    readonly code: string
    readonly message: string
  })[]
  /** What is left out or taken otherwise; pointers into the document */
  readonly warnings: readonly ({
    /** JSON pointer (RFC 6901) */
    readonly pointer: string
    /** Stable */
    readonly code: string
    readonly message: string
  })[]
}

/** A payload that fits a definition */
export interface DefinitionSample {
  readonly event_name: string
  readonly version: number
  /** One of the examples, or made up from the schema */
  readonly from: "example" | "schema"
  readonly payload: unknown
}

/** A definition without its schema */
export interface DefinitionSummary {
  readonly event_name: string
  readonly source: "standard" | "custom"
  /** `draft`: not in force; `active`: publishes are judged by it; `deprecated`: the same, with a warning; `archived`: publishes are refused */
  readonly status: "draft" | "active" | "deprecated" | "archived"
  readonly version: number
  readonly title: string
  readonly description: string
  readonly owner: string | null
  readonly tags: readonly string[]
  /** Null for a standard definition */
  readonly compatibility: "none" | "backward" | "backward_transitive" | "forward" | "forward_transitive" | "full" | "full_transitive" | null
  /** The entity of an event that does not name one */
  readonly entity: {
    readonly type: string
    /** JSON pointer to the id, into the payload */
    readonly id: string
  } | null
  readonly related: readonly ({
    readonly type: string
    /** JSON pointer to the id, into the payload */
    readonly id: string
  })[]
  readonly created_at: string | null
  readonly updated_at: string | null
}

/** A version of a definition */
export interface DefinitionVersion {
  readonly version: number
  readonly is_latest: boolean
  /** False for one of a draft; new versions need not keep to it */
  readonly was_in_force: boolean
  readonly created_at: string | null
  readonly created_by: {
    readonly type: string
    readonly id: string
    readonly name?: string
  } | null
}

/** An event owed to a subscription */
export interface Delivery {
  /** UUID, in lower case */
  readonly id: string
  /** UUID, in lower case */
  readonly subscription_id: string
  readonly webhook_url: string
  /** UUID, in lower case */
  readonly event_id: string
  readonly event_name: string
  readonly position: number
  readonly replay_id: string | null
  readonly state: "pending" | "delivered" | "failed" | "cancelled"
  /** How a pending one is pending; `held`: until its subscription is active again; `blocked`: until an earlier one has ended */
  readonly progress: "waiting" | "in_flight" | "retrying" | "held" | "blocked" | null
  /** Stable word for why it is in its state */
  readonly reason: string
  /** The earlier delivery that a blocked one waits for, and what that one waits for */
  readonly blocked_by: {
    /** UUID, in lower case */
    readonly id: string
    readonly progress: "waiting" | "in_flight" | "retrying" | "held" | "blocked"
    readonly reason: string
    readonly next_attempt_at: string | null
  } | null
  readonly detail: string | null
  /** Attempts begun */
  readonly attempts: number
  readonly next_attempt_at: string | null
  readonly ended_at: string | null
  readonly last_attempt: {
    /** UUID, in lower case */
    readonly log_id: string
    readonly attempt_no: number
    readonly outcome: string
    readonly reason: string
    readonly response_status: number | null
    /** RFC 3339, in UTC with milliseconds */
    readonly started_at: string
  } | null
}

/** A delivery with its attempts */
export interface DeliveryWithAttempts {
  /** UUID, in lower case */
  readonly id: string
  /** UUID, in lower case */
  readonly subscription_id: string
  readonly webhook_url: string
  /** UUID, in lower case */
  readonly event_id: string
  readonly event_name: string
  readonly position: number
  readonly replay_id: string | null
  readonly state: "pending" | "delivered" | "failed" | "cancelled"
  /** How a pending one is pending; `held`: until its subscription is active again; `blocked`: until an earlier one has ended */
  readonly progress: "waiting" | "in_flight" | "retrying" | "held" | "blocked" | null
  /** Stable word for why it is in its state */
  readonly reason: string
  /** The earlier delivery that a blocked one waits for, and what that one waits for */
  readonly blocked_by: {
    /** UUID, in lower case */
    readonly id: string
    readonly progress: "waiting" | "in_flight" | "retrying" | "held" | "blocked"
    readonly reason: string
    readonly next_attempt_at: string | null
  } | null
  readonly detail: string | null
  /** Attempts begun */
  readonly attempts: number
  readonly next_attempt_at: string | null
  readonly ended_at: string | null
  readonly last_attempt: {
    /** UUID, in lower case */
    readonly log_id: string
    readonly attempt_no: number
    readonly outcome: string
    readonly reason: string
    readonly response_status: number | null
    /** RFC 3339, in UTC with milliseconds */
    readonly started_at: string
  } | null
  /** Attempts, and endings without one; the latest first, 200 at most */
  readonly attempts_log: readonly WebhookLogSummary[]
}

/** A subscription with what passed it by */
export interface EnabledSubscription {
  /** UUID, in lower case */
  readonly id: string
  readonly webhook_url: string
  readonly event_names: readonly string[]
  readonly description: string | null
  /** `inactive` was asked for; `disabled` followed from failures */
  readonly status: "active" | "inactive" | "disabled" | "deleted"
  readonly active: boolean
  readonly disabled_reason: string | null
  readonly concurrency: number
  readonly timeout_ms: number
  readonly rate_limit: number | null
  readonly filter: Readonly<Record<string, unknown>> | null
  readonly headers: Readonly<Record<string, string>>
  /** How calls show who calls */
  readonly auth: {
    /** Its secrets are in no answer but that of `reveal-secrets` */
    readonly type: "none" | "api_key" | "basic" | "bearer" | "oauth2"
    readonly header?: string
    readonly username?: string
    readonly token_url?: string
    readonly client_id?: string
    readonly scope?: string
    readonly audience?: string
    readonly client_auth?: "basic" | "post"
  }
  readonly tls: {
    readonly certificate: {
      readonly subject: string
      readonly issuer: string
      /** SHA-256, hexadecimal with colons */
      readonly fingerprint: string
      /** RFC 3339, in UTC with milliseconds */
      readonly expires_at: string
    } | null
    readonly ca: readonly ({
      readonly subject: string
      readonly issuer: string
      /** SHA-256, hexadecimal with colons */
      readonly fingerprint: string
      /** RFC 3339, in UTC with milliseconds */
      readonly expires_at: string
    })[]
  } | null
  /** The form of the body: that of Daybook, or CloudEvents 1.0 in structured mode */
  readonly format: "daybook" | "cloudevents"
  /** What is sent one after the other: nothing; the events of each entity; all. What comes after a delivery that fails waits until it has ended */
  readonly ordering: "none" | "entity" | "subscription"
  readonly retry_schedule: readonly number[] | null
  /** How calls are signed: HMAC-SHA256 (`v1`), or Ed25519 (`v1a`) */
  readonly signature: "hmac" | "ed25519"
  /** What `v1a` signatures are verified with, `whpk_…`; null with HMAC */
  readonly public_key: string | null
  /** The first position whose event was not sent to it; null while events are sent to it as they come */
  readonly held_from_position: number | null
  /** The job for which new events are held back while it is active: a replay, or the recovery that lets them follow */
  readonly held_by: string | null
  /** Deliveries that failed since the last one that did not */
  readonly failures_in_row: number
  readonly last_success_at: string | null
  readonly last_failure_at: string | null
  /** `open`: nobody answers there, so nothing is called until `next_call_at`; `recovering`: calls come back step by step */
  readonly breaker: "closed" | "open" | "recovering"
  readonly next_call_at: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
  /** RFC 3339, in UTC with milliseconds */
  readonly updated_at: string
  /** Events that passed it by while it was not active, by their names; null if it was active */
  readonly held: {
    readonly from_position: number
    readonly to_position: number
    /** Null: above 5,000,000 positions nothing is counted */
    readonly count: number | null
  } | null
  /** What sends them, with `recover` */
  readonly job: Job | null
}

/** A recorded event */
export interface Event {
  /** UUID, in lower case */
  readonly id: string
  /** Its number in the company's log: dense, from 1. Null while `state` is `recorded` */
  readonly position: number | null
  /** `recorded`: accepted; its position and its deliveries come within moments */
  readonly state: "recorded" | "routed"
  readonly event_name: string
  /** Of the definition that it was checked against; null when it has none */
  readonly definition_version: number | null
  readonly entity_type: string | null
  readonly entity_id: string | null
  readonly related: readonly ({
    readonly type: string
    readonly id: string
  })[]
  readonly actor: {
    readonly type: string
    readonly id: string
    readonly name?: string
  } | null
  readonly source: string | null
  readonly correlation_id: string | null
  readonly causation_id: string | null
  readonly occurred_at: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly recorded_at: string
  /** SHA-256 over header and payload, in hexadecimal */
  readonly digest: string
  /** The payload, and what stood beside it only there, is no longer stored */
  readonly payload_expired: boolean
  /** The publisher's own JSON, byte for byte */
  readonly payload: unknown
}

/** The values that the newest events of a filter have, the most frequent first, 50 of each kind at most */
export interface EventFacets {
  /** Events that fulfil the filter, among those that were looked at */
  readonly considered: number
  /** False when there are older events that were not looked at */
  readonly is_complete: boolean
  readonly from_position: number | null
  readonly to_position: number | null
  readonly event_names: readonly ({
    readonly value: string | null
    readonly count: number
  })[]
  readonly entity_types: readonly ({
    readonly value: string | null
    readonly count: number
  })[]
  readonly actors: readonly ({
    readonly type: string | null
    readonly id: string | null
    readonly count: number
  })[]
  readonly sources: readonly ({
    readonly value: string | null
    readonly count: number
  })[]
}

/** An event to be recorded */
export interface EventInput {
  /** 1 to 6 dotted segments of `a-z`, `0-9`, `_` and `-`, at most 128 characters; not `daybook.*` */
  readonly event_name: string
  /** Any JSON of at most 262,144 bytes that fits the definition of the event name; kept and sent byte for byte */
  readonly payload: unknown
  readonly entity_type?: string | undefined
  /** Text or a whole number; the number 123 and the text "123" are the same */
  readonly entity_id?: string | number | undefined
  /** At most 16 further entities */
  readonly related?: readonly ({
    readonly type: string
    /** Text or a whole number; the number 123 and the text "123" are the same */
    readonly id: string | number
  })[] | undefined
  /** UUID of version 7, dated from 30 days ago to 5 minutes ahead; made when absent */
  readonly id?: string | undefined
  /** A publish with the same key and the same content is answered like the first; remembered for 30 days */
  readonly idempotency_key?: string | undefined
  /** RFC 3339 with an offset, at most 5 minutes ahead; now when absent */
  readonly occurred_at?: string | undefined
  /** Who did it; the API key when absent */
  readonly actor?: {
    readonly type: string
    /** Text or a whole number; the number 123 and the text "123" are the same */
    readonly id: string | number
    readonly name?: string | undefined
  } | undefined
  readonly source?: string | undefined
  readonly correlation_id?: string | undefined
  readonly causation_id?: string | undefined
}

/** The members of an event that were chosen by `fields` */
export interface EventPart {
  /** UUID, in lower case */
  readonly id?: string
  /** Its number in the company's log: dense, from 1. Null while `state` is `recorded` */
  readonly position?: number | null
  /** `recorded`: accepted; its position and its deliveries come within moments */
  readonly state?: "recorded" | "routed"
  readonly event_name?: string
  /** Of the definition that it was checked against; null when it has none */
  readonly definition_version?: number | null
  readonly entity_type?: string | null
  readonly entity_id?: string | null
  readonly related?: readonly ({
    readonly type: string
    readonly id: string
  })[]
  readonly actor?: {
    readonly type: string
    readonly id: string
    readonly name?: string
  } | null
  readonly source?: string | null
  readonly correlation_id?: string | null
  readonly causation_id?: string | null
  readonly occurred_at?: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly recorded_at?: string
  /** SHA-256 over header and payload, in hexadecimal */
  readonly digest?: string
  /** The payload, and what stood beside it only there, is no longer stored */
  readonly payload_expired?: boolean
  /** The publisher's own JSON, byte for byte */
  readonly payload?: unknown
}

/** A recorded event with its deliveries */
export interface EventWithDeliveries {
  /** UUID, in lower case */
  readonly id: string
  /** Its number in the company's log: dense, from 1. Null while `state` is `recorded` */
  readonly position: number | null
  /** `recorded`: accepted; its position and its deliveries come within moments */
  readonly state: "recorded" | "routed"
  readonly event_name: string
  /** Of the definition that it was checked against; null when it has none */
  readonly definition_version: number | null
  readonly entity_type: string | null
  readonly entity_id: string | null
  readonly related: readonly ({
    readonly type: string
    readonly id: string
  })[]
  readonly actor: {
    readonly type: string
    readonly id: string
    readonly name?: string
  } | null
  readonly source: string | null
  readonly correlation_id: string | null
  readonly causation_id: string | null
  readonly occurred_at: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly recorded_at: string
  /** SHA-256 over header and payload, in hexadecimal */
  readonly digest: string
  /** The payload, and what stood beside it only there, is no longer stored */
  readonly payload_expired: boolean
  /** The publisher's own JSON, byte for byte */
  readonly payload: unknown
  /** What became of it; 200 at most */
  readonly deliveries: readonly Delivery[]
  /** Why each subscription was sent it or was not, as it was at its position; the first 50 */
  readonly routing: readonly RoutingExplanation[]
  /** The event that it names by `causation_id`, then that one's cause and so on; 20 at most */
  readonly causes: readonly LinkedEvent[]
  /** Events that name it by `causation_id`, the oldest first; 50 at most */
  readonly effects: readonly LinkedEvent[]
  readonly has_more_effects: boolean
  /** For more of it: `GET /events/{id}/routing` */
  readonly routing_next_cursor: string | null
}

/** Long work that somebody started */
export interface Job {
  /** UUID, in lower case */
  readonly id: string
  /** `retry_deliveries`, `cancel_deliveries`, `recover_events`, `replay_events` */
  readonly kind: string
  /** What it is about; relative times as they were when it was started */
  readonly parameters: Readonly<Record<string, unknown>>
  /** `queued`: nothing was done yet. `paused`: it goes on when it is resumed. `failed`: it gave up, see `last_error`; what was done stays */
  readonly state: "queued" | "running" | "paused" | "succeeded" | "failed" | "cancelled"
  /** Counted when it was started */
  readonly total: number
  readonly done: number
  readonly skipped: number
  /** How many were left as they are, by a stable word: `subscription_deleted`, `changed_since`, `in_flight`, `delivery_blocked` and the like */
  readonly skipped_reasons: Readonly<Record<string, number>>
  /** Tried in vain */
  readonly failed: number
  readonly author: {
    readonly type: string
    readonly id: string
    readonly name?: string
  }
  readonly last_error: string | null
  readonly waiting_for: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
  readonly started_at: string | null
  readonly finished_at: string | null
}

/** What a job would take */
export interface JobCount {
  readonly kind: string
  readonly count: number
  /** What it is about; relative times as they were when it was started */
  readonly parameters: Readonly<Record<string, unknown>>
}

/** A condition of a filter that an event does not fulfil; no value of the event is in it */
export interface FailedCondition {
  /** JSON pointer into the filter */
  readonly pointer: string
  /** `service.name`, `$event.source` */
  readonly path: string
  readonly operator: string
  /** As the filter has it */
  readonly expected: unknown
  /** The kind of what the event has there */
  readonly found: "nothing" | "null" | "boolean" | "number" | "text" | "list" | "object"
}

/** An event that another one came from, or led to */
export interface LinkedEvent {
  /** UUID, in lower case */
  readonly id: string
  readonly position: number | null
  readonly event_name: string
  readonly entity_type: string | null
  readonly entity_id: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly recorded_at: string
}

/** A refusal or fault: RFC 9457, as application/problem+json */
export interface Problem {
  readonly type: "about:blank"
  /** Fixed per code */
  readonly title: string
  readonly status: number
  /** Never changes its meaning */
  readonly code: "malformed_json" | "duplicate_key" | "nesting_too_deep" | "unstorable_text" | "invalid_request" | "invalid_cursor" | "unauthenticated" | "forbidden" | "not_found" | "not_acceptable" | "method_not_allowed" | "idempotency_conflict" | "delivery_in_flight" | "delivery_pending" | "delivery_blocked" | "delivery_not_ordered" | "delivery_ended" | "count_changed" | "job_ended" | "job_limit" | "payload_expired" | "subscription_deleted" | "secret_unreadable" | "recovery_running" | "subscription_not_recoverable" | "subscription_limit" | "log_expired" | "precondition_failed" | "definition_exists" | "definition_limit" | "definition_in_use" | "definition_transition" | "standard_definition" | "incompatible_schema" | "payload_too_large" | "body_too_large" | "unsupported_media_type" | "invalid_event_name" | "unknown_event_name" | "reserved_event_name" | "definition_archived" | "invalid_definition" | "invalid_document" | "import_refused" | "schema_violation" | "invalid_event_id" | "invalid_time" | "invalid_entity" | "too_many_related" | "duplicate_event" | "batch_too_large" | "invalid_url" | "unknown_subscription" | "count_required" | "job_too_large" | "position_ahead" | "invalid_retention" | "invalid_filter" | "invalid_header" | "invalid_credentials" | "too_many_tests" | "too_many_streams" | "rate_limited" | "internal_error" | "unavailable" | "streams_full" | "too_busy" | "shutting_down"
  /** The particular case, for people */
  readonly detail: string
  /** Every fault found, the first 100 at most */
  readonly errors?: readonly ({
    /** JSON pointer (RFC 6901) into the body; in faults of the query or a header `/` and its name */
    readonly pointer: string
    /** A keyword of JSON Schema, or a code of its own */
    readonly code: string
    readonly message: string
    /** With `incompatible_schema`: the older version that breaks. The pointer leads into the new schema where producers break, into that of this version where consumers do */
    readonly version?: number
    readonly breaks?: "producers" | "consumers"
  })[]
  /** Stands beside the request in the log of the server */
  readonly request_id: string
}

/** The event is recorded */
export interface PublishedEvent {
  /** UUID, in lower case */
  readonly id: string
  readonly event_name: string
  /** RFC 3339, in UTC with milliseconds */
  readonly recorded_at: string
  /** It was recorded by an earlier publish, which this one repeats */
  readonly replayed: boolean
  /** Only where there is one: `definition_deprecated`, the definition of the event name is deprecated */
  readonly warnings?: readonly ({
    readonly pointer: string
    readonly code: string
    readonly message: string
  })[]
}

/** A job that posts past events again. Its calls carry its id as `webhook-replay-id` */
export interface Replay {
  /** UUID, in lower case */
  readonly id: string
  /** `queued`: nothing was done yet. `paused`: it goes on when it is resumed. `failed`: it gave up, see `last_error`; what was done stays */
  readonly state: "queued" | "running" | "paused" | "succeeded" | "failed" | "cancelled"
  readonly source: {
    readonly from_position: number
    /** The last position when it was started, or before */
    readonly to_position: number
    /** RFC 3339, in UTC with milliseconds */
    readonly from?: string
    /** RFC 3339, in UTC with milliseconds */
    readonly to?: string
    /** Without wildcards */
    readonly event_names?: readonly string[]
    readonly entities?: readonly ({
      readonly type: string
      readonly id: string
    })[]
    readonly include_related?: boolean
    readonly correlation_id?: string
    /** As subscriptions have them, see docs/filters.md */
    readonly filter?: Readonly<Record<string, unknown>>
  }
  readonly target: {
    readonly subscription_ids: readonly string[]
  }
  /** `all` that is chosen; `missing`: what was never delivered and is not pending; `failed`: what ended last as failed or cancelled */
  readonly mode: "all" | "missing" | "failed"
  /** Deliveries per second, at most */
  readonly rate: number
  readonly reason: string | null
  /** Deliveries that it would make, counted when it was started */
  readonly total: number
  /** More was chosen than was counted */
  readonly is_total_estimated: boolean
  readonly confirmed_count: number | null
  /** Deliveries that it made */
  readonly done: number
  readonly skipped: number
  /** How many were left as they are, by a stable word: `subscription_deleted`, `changed_since`, `in_flight`, `delivery_blocked` and the like */
  readonly skipped_reasons: Readonly<Record<string, number>>
  readonly author: {
    readonly type: string
    readonly id: string
    readonly name?: string
  }
  readonly last_error: string | null
  readonly waiting_for: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
  readonly started_at: string | null
  readonly finished_at: string | null
}

/** What a replay would do */
export interface ReplayEstimate {
  readonly source: {
    readonly from_position: number
    /** The last position when it was started, or before */
    readonly to_position: number
    /** RFC 3339, in UTC with milliseconds */
    readonly from?: string
    /** RFC 3339, in UTC with milliseconds */
    readonly to?: string
    /** Without wildcards */
    readonly event_names?: readonly string[]
    readonly entities?: readonly ({
      readonly type: string
      readonly id: string
    })[]
    readonly include_related?: boolean
    readonly correlation_id?: string
    /** As subscriptions have them, see docs/filters.md */
    readonly filter?: Readonly<Record<string, unknown>>
  }
  readonly target: {
    readonly subscription_ids: readonly string[]
  }
  /** `all` that is chosen; `missing`: what was never delivered and is not pending; `failed`: what ended last as failed or cancelled */
  readonly mode: "all" | "missing" | "failed"
  /** Deliveries per second, at most */
  readonly rate: number
  readonly reason: string | null
  /** Deliveries that it would make */
  readonly count: number
  /** More was chosen than is counted; what was counted is taken for typical of the rest */
  readonly is_estimated: boolean
  /** Events that were looked at, for all subscriptions together */
  readonly looked_at: number
  /** Of the payloads, about */
  readonly bytes: number
  /** At the rate, if nothing has to wait */
  readonly seconds: number
  /** How many were left as they are, by a stable word: `subscription_deleted`, `changed_since`, `in_flight`, `delivery_blocked` and the like */
  readonly skipped_reasons: Readonly<Record<string, number>>
  /** Of those that would be sent, the first that were looked at; ten at most */
  readonly sample: readonly ({
    /** UUID, in lower case */
    readonly event_id: string
    readonly event_name: string
    readonly position: number
    readonly entity_type: string | null
    readonly entity_id: string | null
    /** RFC 3339, in UTC with milliseconds */
    readonly recorded_at: string
    /** UUID, in lower case */
    readonly subscription_id: string
  })[]
}

/** How long payloads and the ledger are kept */
export interface Retention {
  readonly payload_retention_days: number | null
  readonly ledger_retention_days: number | null
  /** The one that says most about a name counts: its own name, then the longest prefix, then `*` */
  readonly rules: readonly ({
    /** A name, a prefix such as `appointment.*`, or `*`: every business event */
    readonly event_name: string
    readonly payload_retention_days: number | null
  })[]
  /** Null: nothing was ever decided, and all is kept */
  readonly updated_at: string | null
  /** Attempts and endings from before may be gone. Null: none ever went */
  readonly ledger_ended_before: string | null
  readonly waiting: {
    /** Payloads beyond their time, whose events have deliveries to come; 1,000 when there are more */
    readonly payloads: number
    readonly oldest_event_id: string | null
    /** An open job for which everything waits */
    readonly job_id: string | null
  }
}

/** What would end now */
export interface RetentionPreview {
  readonly payloads: {
    readonly count: number
    /** As they are stored, compressed where they are */
    readonly bytes: number
    /** False: there are more than were looked at */
    readonly is_complete: boolean
    /** Beside those: their events have deliveries to come */
    readonly waiting: number
  }
  readonly ledger: {
    readonly count: number
    /** As they are stored, compressed where they are */
    readonly bytes: number
    /** False: there are more than were looked at */
    readonly is_complete: boolean
  }
}

/** What of a subscription is secret */
export interface RevealedSecrets {
  /** What calls are signed with, the current one first; older ones until they expire */
  readonly secrets: readonly ({
    readonly secret: string
    readonly expires_at: string | null
  })[]
  /** How a call shows the endpoint who calls, see docs/endpoint-authentication.md */
  readonly auth: {
    readonly type: "none"
  } | {
    readonly type: "api_key"
    /** The name of the header */
    readonly header: string
    /** Its value. Stored sealed, and in no answer */
    readonly value: string
  } | {
    readonly type: "basic"
    /** Without a colon */
    readonly username: string
    /** May be empty. Stored sealed, and in no answer */
    readonly password: string
  } | {
    readonly type: "bearer"
    /** The token. Stored sealed, and in no answer */
    readonly token: string
  } | {
    readonly type: "oauth2"
    /** Where a token is had with client credentials (RFC 6749, 4.4) */
    readonly token_url: string
    /**  */
    readonly client_id: string
    /** The secret of the client. Stored sealed, and in no answer */
    readonly client_secret: string
    /** Words apart by blanks */
    readonly scope?: string
    /** Where the server asks for one */
    readonly audience?: string
    /** How the secret is sent: as basic authentication (the default), or in the body */
    readonly client_auth?: "basic" | "post"
  }
  readonly tls: {
    /** The client certificate and its chain, PEM */
    readonly certificate?: string
    /** Its key, PEM. Stored sealed, and in no answer */
    readonly private_key?: string
    /** Who vouches for the endpoint instead of the public authorities */
    readonly ca?: string
  } | null
}

/** Why a subscription was sent an event, or was not */
export interface RoutingExplanation {
  /** UUID, in lower case */
  readonly subscription_id: string
  /** The version that was in force at the event's position */
  readonly subscription_version: number
  /** Null when it cannot be said any more */
  readonly matched: boolean | null
  readonly reason: "not_active" | "held" | "other_event_names" | "filter" | "filter_unreadable" | "filter_too_costly" | "event_not_stored" | null
  readonly failed_conditions: readonly FailedCondition[]
}

/** What was recorded and how it was delivered */
export interface Stats {
  /** RFC 3339, in UTC with milliseconds */
  readonly from: string
  /** RFC 3339, in UTC with milliseconds */
  readonly to: string
  readonly bucket: "minute" | "hour" | "day"
  /** The part of its value that a latency is off at most: 0.05 */
  readonly latency_error: number
  /** All of the period, those in which nothing happened too */
  readonly buckets: readonly ({
    /** RFC 3339, in UTC with milliseconds */
    readonly starts_at: string
    /** Recorded */
    readonly events: number
    /** Calls, first ones and retries */
    readonly attempts: number
    readonly delivered: number
    readonly will_retry: number
    /** Deliveries that ended so */
    readonly failed: number
    readonly cancelled: number
    readonly unknown: number
    readonly success_rate: number | null
    /** Of calls that were answered, each within `latency_error` of its value; null where none was */
    readonly latency_ms: {
      readonly p50: number
      readonly p90: number
      readonly p95: number
      readonly p99: number
    } | null
    /** The most frequent names of the period */
    readonly events_by_name: Readonly<Record<string, number>>
    /** Of all other names */
    readonly other_events: number
  })[]
  readonly totals: {
    /** Recorded */
    readonly events: number
    /** Calls, first ones and retries */
    readonly attempts: number
    readonly delivered: number
    readonly will_retry: number
    /** Deliveries that ended so */
    readonly failed: number
    readonly cancelled: number
    readonly unknown: number
    readonly success_rate: number | null
    /** Of calls that were answered, each within `latency_error` of its value; null where none was */
    readonly latency_ms: {
      readonly p50: number
      readonly p90: number
      readonly p95: number
      readonly p99: number
    } | null
  }
  /** The time of the same length before; null where it is not kept in these buckets any more */
  readonly previous: {
    /** RFC 3339, in UTC with milliseconds */
    readonly from: string
    /** RFC 3339, in UTC with milliseconds */
    readonly to: string
    /** Recorded */
    readonly events: number
    /** Calls, first ones and retries */
    readonly attempts: number
    readonly delivered: number
    readonly will_retry: number
    /** Deliveries that ended so */
    readonly failed: number
    readonly cancelled: number
    readonly unknown: number
    readonly success_rate: number | null
    /** Of calls that were answered, each within `latency_error` of its value; null where none was */
    readonly latency_ms: {
      readonly p50: number
      readonly p90: number
      readonly p95: number
      readonly p99: number
    } | null
  } | null
  /** The 100 most frequent */
  readonly events_by_name: readonly ({
    readonly event_name: string
    readonly events: number
  })[]
  /** How calls and deliveries ended, the 50 most frequent ways */
  readonly reasons: readonly ({
    readonly outcome: string
    readonly reason: string
    readonly class: string
    readonly count: number
  })[]
  /** Why calls did not deliver, the ten most frequent causes */
  readonly causes: readonly ({
    /** `http_5xx`, `timeout` and the like */
    readonly class: string
    readonly count: number
  })[]
  /** Posted again by replays; in none of the other figures */
  readonly replays: {
    /** Calls, first ones and retries */
    readonly attempts: number
    readonly delivered: number
    readonly will_retry: number
    /** Deliveries that ended so */
    readonly failed: number
    readonly cancelled: number
    readonly unknown: number
    readonly success_rate: number | null
    /** Of calls that were answered, each within `latency_error` of its value; null where none was */
    readonly latency_ms: {
      readonly p50: number
      readonly p90: number
      readonly p95: number
      readonly p99: number
    } | null
  }
  /** The ten with the most calls that did not deliver; empty when filtered */
  readonly worst_subscriptions: readonly ({
    /** UUID, in lower case */
    readonly subscription_id: string
    readonly webhook_url: string
    readonly status: string
    readonly attempts: number
    readonly delivered: number
    readonly failed: number
    /** Calls that did not deliver */
    readonly failed_attempts: number
    readonly success_rate: number | null
  })[]
}

/** A subscription */
export interface Subscription {
  /** UUID, in lower case */
  readonly id: string
  readonly webhook_url: string
  readonly event_names: readonly string[]
  readonly description: string | null
  /** `inactive` was asked for; `disabled` followed from failures */
  readonly status: "active" | "inactive" | "disabled" | "deleted"
  readonly active: boolean
  readonly disabled_reason: string | null
  readonly concurrency: number
  readonly timeout_ms: number
  readonly rate_limit: number | null
  readonly filter: Readonly<Record<string, unknown>> | null
  readonly headers: Readonly<Record<string, string>>
  /** How calls show who calls */
  readonly auth: {
    /** Its secrets are in no answer but that of `reveal-secrets` */
    readonly type: "none" | "api_key" | "basic" | "bearer" | "oauth2"
    readonly header?: string
    readonly username?: string
    readonly token_url?: string
    readonly client_id?: string
    readonly scope?: string
    readonly audience?: string
    readonly client_auth?: "basic" | "post"
  }
  readonly tls: {
    readonly certificate: {
      readonly subject: string
      readonly issuer: string
      /** SHA-256, hexadecimal with colons */
      readonly fingerprint: string
      /** RFC 3339, in UTC with milliseconds */
      readonly expires_at: string
    } | null
    readonly ca: readonly ({
      readonly subject: string
      readonly issuer: string
      /** SHA-256, hexadecimal with colons */
      readonly fingerprint: string
      /** RFC 3339, in UTC with milliseconds */
      readonly expires_at: string
    })[]
  } | null
  /** The form of the body: that of Daybook, or CloudEvents 1.0 in structured mode */
  readonly format: "daybook" | "cloudevents"
  /** What is sent one after the other: nothing; the events of each entity; all. What comes after a delivery that fails waits until it has ended */
  readonly ordering: "none" | "entity" | "subscription"
  readonly retry_schedule: readonly number[] | null
  /** How calls are signed: HMAC-SHA256 (`v1`), or Ed25519 (`v1a`) */
  readonly signature: "hmac" | "ed25519"
  /** What `v1a` signatures are verified with, `whpk_…`; null with HMAC */
  readonly public_key: string | null
  /** The first position whose event was not sent to it; null while events are sent to it as they come */
  readonly held_from_position: number | null
  /** The job for which new events are held back while it is active: a replay, or the recovery that lets them follow */
  readonly held_by: string | null
  /** Deliveries that failed since the last one that did not */
  readonly failures_in_row: number
  readonly last_success_at: string | null
  readonly last_failure_at: string | null
  /** `open`: nobody answers there, so nothing is called until `next_call_at`; `recovering`: calls come back step by step */
  readonly breaker: "closed" | "open" | "recovering"
  readonly next_call_at: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
  /** RFC 3339, in UTC with milliseconds */
  readonly updated_at: string
}

/** What a subscription would have got of the newest events */
export interface SubscriptionPreview {
  /** Events that were looked at; fewer than asked for when there are no more, or two seconds were up */
  readonly considered: number
  readonly matched: number
  readonly from_position: number | null
  readonly to_position: number | null
  readonly by_event_name: readonly ({
    readonly event_name: string
    readonly named: number
    readonly matched: number
  })[]
  /** The newest that match; ten at most */
  readonly matches: readonly ({
    /** UUID, in lower case */
    readonly event_id: string
    readonly event_name: string
    readonly position: number
  })[]
  /** The newest that only the filter keeps out; ten at most */
  readonly misses: readonly ({
    /** UUID, in lower case */
    readonly event_id: string
    readonly event_name: string
    readonly position: number
    readonly failed_conditions: readonly FailedCondition[]
  })[]
}

/** A subscription with its new signing secret */
export interface SubscriptionWithSecret {
  /** UUID, in lower case */
  readonly id: string
  readonly webhook_url: string
  readonly event_names: readonly string[]
  readonly description: string | null
  /** `inactive` was asked for; `disabled` followed from failures */
  readonly status: "active" | "inactive" | "disabled" | "deleted"
  readonly active: boolean
  readonly disabled_reason: string | null
  readonly concurrency: number
  readonly timeout_ms: number
  readonly rate_limit: number | null
  readonly filter: Readonly<Record<string, unknown>> | null
  readonly headers: Readonly<Record<string, string>>
  /** How calls show who calls */
  readonly auth: {
    /** Its secrets are in no answer but that of `reveal-secrets` */
    readonly type: "none" | "api_key" | "basic" | "bearer" | "oauth2"
    readonly header?: string
    readonly username?: string
    readonly token_url?: string
    readonly client_id?: string
    readonly scope?: string
    readonly audience?: string
    readonly client_auth?: "basic" | "post"
  }
  readonly tls: {
    readonly certificate: {
      readonly subject: string
      readonly issuer: string
      /** SHA-256, hexadecimal with colons */
      readonly fingerprint: string
      /** RFC 3339, in UTC with milliseconds */
      readonly expires_at: string
    } | null
    readonly ca: readonly ({
      readonly subject: string
      readonly issuer: string
      /** SHA-256, hexadecimal with colons */
      readonly fingerprint: string
      /** RFC 3339, in UTC with milliseconds */
      readonly expires_at: string
    })[]
  } | null
  /** The form of the body: that of Daybook, or CloudEvents 1.0 in structured mode */
  readonly format: "daybook" | "cloudevents"
  /** What is sent one after the other: nothing; the events of each entity; all. What comes after a delivery that fails waits until it has ended */
  readonly ordering: "none" | "entity" | "subscription"
  readonly retry_schedule: readonly number[] | null
  /** How calls are signed: HMAC-SHA256 (`v1`), or Ed25519 (`v1a`) */
  readonly signature: "hmac" | "ed25519"
  /** What `v1a` signatures are verified with, `whpk_…`; null with HMAC */
  readonly public_key: string | null
  /** The first position whose event was not sent to it; null while events are sent to it as they come */
  readonly held_from_position: number | null
  /** The job for which new events are held back while it is active: a replay, or the recovery that lets them follow */
  readonly held_by: string | null
  /** Deliveries that failed since the last one that did not */
  readonly failures_in_row: number
  readonly last_success_at: string | null
  readonly last_failure_at: string | null
  /** `open`: nobody answers there, so nothing is called until `next_call_at`; `recovering`: calls come back step by step */
  readonly breaker: "closed" | "open" | "recovering"
  readonly next_call_at: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
  /** RFC 3339, in UTC with milliseconds */
  readonly updated_at: string
  /** The signing secret. It stands in this answer and never again */
  readonly secret: string
}

/** The story of an entity */
export interface Timeline {
  readonly data: readonly TimelineEvent[]
  /** Null on the last page */
  readonly next_cursor: string | null
  /** The entity first; with `include_related` also what was merged into it, directly or not */
  readonly identities: readonly ({
    readonly type: string
    readonly id: string
  })[]
  /** False when there are more than 100, or more merges than are looked at */
  readonly has_all_identities: boolean
  /** With `include_related`: what the entity itself was merged into */
  readonly merged_into: readonly ({
    readonly type: string
    readonly id: string
  })[]
  /** False when more than 1,000 events lie before this page: then `before` may be missing in changes */
  readonly has_all_changes: boolean
  readonly state: {
    /** RFC 3339, in UTC with milliseconds */
    readonly at: string
    /** Of the last event by then */
    readonly position: number | null
    /** False when only the newest 1,000 events by then were folded */
    readonly is_complete: boolean
    /** The last value of each member at the top of the payloads, and the event that set it */
    readonly members: Readonly<Record<string, {
      readonly value: unknown
      /** UUID, in lower case */
      readonly event_id: string
      readonly position: number
      /** RFC 3339, in UTC with milliseconds */
      readonly recorded_at: string
    }>>
  } | null
}

/** An event of an entity's story */
export interface TimelineEvent {
  /** UUID, in lower case */
  readonly id: string
  /** Its number in the company's log: dense, from 1. Null while `state` is `recorded` */
  readonly position: number | null
  /** `recorded`: accepted; its position and its deliveries come within moments */
  readonly state: "recorded" | "routed"
  readonly event_name: string
  /** Of the definition that it was checked against; null when it has none */
  readonly definition_version: number | null
  readonly entity_type: string | null
  readonly entity_id: string | null
  readonly related: readonly ({
    readonly type: string
    readonly id: string
  })[]
  readonly actor: {
    readonly type: string
    readonly id: string
    readonly name?: string
  } | null
  readonly source: string | null
  readonly correlation_id: string | null
  readonly causation_id: string | null
  readonly occurred_at: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly recorded_at: string
  /** SHA-256 over header and payload, in hexadecimal */
  readonly digest: string
  /** The payload, and what stood beside it only there, is no longer stored */
  readonly payload_expired: boolean
  /** The publisher's own JSON, byte for byte */
  readonly payload: unknown
  /** About the entity; about one that was merged into it; names one of them as related; has a correlation id in common with an event about one of them */
  readonly relation: "entity" | "merged" | "related" | "correlation"
  /** What an event about the entity, or one merged into it, gave other values */
  readonly changes: readonly ({
    /** Of the payload, at its top */
    readonly member: string
    /** The value that the last event before had set; absent when there was none */
    readonly before?: unknown
    readonly after: unknown
  })[]
}

/** The body of a call to a subscriber */
export interface WebhookCall {
  /** UUID, in lower case */
  readonly id: string
  /** The event name */
  readonly type: string
  /** RFC 3339, in UTC with milliseconds */
  readonly timestamp: string
  /** The event's number in its company's log */
  readonly position: number
  readonly entity?: {
    readonly type: string
    readonly id: string
  }
  readonly related?: readonly ({
    readonly type: string
    readonly id: string
  })[]
  /** The payload: the publisher's own bytes, the same in every attempt and replay */
  readonly data: unknown
}

/** An attempt with its request and response */
export interface WebhookLog {
  /** UUID, in lower case */
  readonly id: string
  /** UUID, in lower case */
  readonly delivery_id: string
  /** Null for a test of any URL */
  readonly subscription_id: string | null
  /** UUID, in lower case */
  readonly event_id: string
  readonly event_name: string
  /** 0 for a test */
  readonly position: number
  /** A call that somebody made to try the endpoint */
  readonly is_test: boolean
  readonly replay_id: string | null
  /** 0: the delivery ended without an attempt */
  readonly attempt_no: number
  /** `unknown`: whoever made the attempt was gone before its result was written; it is made again */
  readonly outcome: "delivered" | "will_retry" | "failed" | "cancelled" | "unknown"
  /** Stable word: `http_503`, `timeout`, `subscription_deleted` and the like */
  readonly reason: string
  readonly detail: string | null
  readonly webhook_url: string
  readonly response_status: number | null
  /** RFC 3339, in UTC with milliseconds */
  readonly started_at: string
  readonly next_attempt_at: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
  readonly request_headers: readonly (readonly string[])[] | null
  /** Of a test; all others sent the event */
  readonly request_body: string | null
  readonly response_headers: readonly (readonly string[])[] | null
  /** The first 16 KiB, when they are UTF-8 */
  readonly response_body: string | null
  /** The same when they are not */
  readonly response_body_base64: string | null
  readonly response_truncated: boolean
  readonly timings: {
    /** Null for a part that did not happen */
    readonly dns_ms: number | null
    /** Null for a part that did not happen */
    readonly connect_ms: number | null
    /** Null for a part that did not happen */
    readonly first_byte_ms: number | null
    /** Null for a part that did not happen */
    readonly total_ms: number | null
  }
}

/** An attempt, or the end of a delivery without one */
export interface WebhookLogSummary {
  /** UUID, in lower case */
  readonly id: string
  /** UUID, in lower case */
  readonly delivery_id: string
  /** Null for a test of any URL */
  readonly subscription_id: string | null
  /** UUID, in lower case */
  readonly event_id: string
  readonly event_name: string
  /** 0 for a test */
  readonly position: number
  /** A call that somebody made to try the endpoint */
  readonly is_test: boolean
  readonly replay_id: string | null
  /** 0: the delivery ended without an attempt */
  readonly attempt_no: number
  /** `unknown`: whoever made the attempt was gone before its result was written; it is made again */
  readonly outcome: "delivered" | "will_retry" | "failed" | "cancelled" | "unknown"
  /** Stable word: `http_503`, `timeout`, `subscription_deleted` and the like */
  readonly reason: string
  readonly detail: string | null
  readonly webhook_url: string
  readonly response_status: number | null
  /** RFC 3339, in UTC with milliseconds */
  readonly started_at: string
  readonly next_attempt_at: string | null
  /** RFC 3339, in UTC with milliseconds */
  readonly created_at: string
  /** Null for a part that did not happen */
  readonly total_ms: number | null
}

/** A call that was made to try an endpoint */
export interface WebhookTest {
  /** Where the ledger keeps it, as a test */
  readonly webhook_log_id: string
  readonly outcome: "delivered" | "failed"
  /** Stable word: `http_200`, `timeout`, `blocked_address` and the like */
  readonly reason: string
  readonly detail: string | null
  /** As it was sent; credentials are hidden. Headers are null when nothing was sent */
  readonly request: {
    readonly method: "POST"
    readonly url: string
    readonly headers: readonly (readonly string[])[] | null
    /** Byte for byte what was signed */
    readonly body: string
  }
  readonly response: {
    readonly status: number
    readonly headers: readonly (readonly string[])[] | null
    /** The first 16 KiB, when they are UTF-8 */
    readonly body: string | null
    /** The same when they are not */
    readonly body_base64: string | null
    readonly truncated: boolean
  } | null
  readonly timings: {
    /** Null for a part that did not happen */
    readonly dns_ms: number | null
    /** Null for a part that did not happen */
    readonly connect_ms: number | null
    /** Null for a part that did not happen */
    readonly first_byte_ms: number | null
    /** Null for a part that did not happen */
    readonly total_ms: number | null
  }
  /** What a receiver verifies */
  readonly verification: {
    readonly webhook_id: string
    readonly webhook_timestamp: string | null
    readonly webhook_signature: string | null
    readonly signed_content: string | null
    /** What verifies it, where it was made for this call: `whsec_…` or `whpk_…` */
    readonly secret: string | null
  }
  /** Why this payload could not be published under this name; it was sent all the same */
  readonly payload_faults: readonly ({
    readonly pointer: string
    readonly code: string
    readonly message: string
  })[]
}

/** Of `listEvents`. */
export interface ListEventsQuery {
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
  /** RFC 3339 with an offset, or relative: `-90s`, `-30m`, `-24h`, `-7d`, `now` */
  readonly from?: string | Date | undefined
  /** Like `from`; itself not included */
  readonly to?: string | Date | undefined
  /** Names or prefixes such as `appointment.*`; repeated, or separated by commas */
  readonly event_names?: string | readonly string[] | undefined
  /** Together with `entity_id` */
  readonly entity_type?: string | undefined
  readonly entity_id?: string | number | undefined
  /** Also the events that name the entity as related */
  readonly include_related?: boolean | undefined
  /** Together with `related_id` */
  readonly related_type?: string | undefined
  readonly related_id?: string | number | undefined
  /** Together with `actor_id` */
  readonly actor_type?: string | undefined
  readonly actor_id?: string | number | undefined
  readonly source?: string | undefined
  readonly correlation_id?: string | undefined
  /** JSON text of a filter, as subscriptions have them: `{"price":{"$gt":100}}`. Events whose payload is no longer stored do not fulfil it */
  readonly filter?: string | Readonly<Record<string, unknown>> | undefined
  /** Events with a delivery that is in this state now; `none`: owed to nobody */
  readonly delivery?: "pending" | "delivered" | "failed" | "cancelled" | "none" | undefined
  /** By position */
  readonly order?: "asc" | "desc" | undefined
  /** Members that are wanted, such as `id,event_name`; repeated, or separated by commas. All when absent */
  readonly fields?: string | readonly string[] | undefined
}

export interface PublishBatchBody {
  /** At most 1,000; all are recorded or none */
  readonly events: readonly EventInput[]
}

/** Of `exportEvents`. */
export interface ExportEventsQuery {
  readonly format?: "ndjson" | "csv" | undefined
  /** RFC 3339 with an offset, or relative: `-90s`, `-30m`, `-24h`, `-7d`, `now` */
  readonly from?: string | Date | undefined
  /** Like `from`; itself not included */
  readonly to?: string | Date | undefined
  /** Names or prefixes such as `appointment.*`; repeated, or separated by commas */
  readonly event_names?: string | readonly string[] | undefined
  /** Together with `entity_id` */
  readonly entity_type?: string | undefined
  readonly entity_id?: string | number | undefined
  /** Also the events that name the entity as related */
  readonly include_related?: boolean | undefined
  /** Together with `related_id` */
  readonly related_type?: string | undefined
  readonly related_id?: string | number | undefined
  /** Together with `actor_id` */
  readonly actor_type?: string | undefined
  readonly actor_id?: string | number | undefined
  readonly source?: string | undefined
  readonly correlation_id?: string | undefined
  /** JSON text of a filter, as subscriptions have them: `{"price":{"$gt":100}}`. Events whose payload is no longer stored do not fulfil it */
  readonly filter?: string | Readonly<Record<string, unknown>> | undefined
  /** Events with a delivery that is in this state now; `none`: owed to nobody */
  readonly delivery?: "pending" | "delivered" | "failed" | "cancelled" | "none" | undefined
  /** By position */
  readonly order?: "asc" | "desc" | undefined
  /** Members that are wanted, such as `id,event_name`; repeated, or separated by commas. All when absent */
  readonly fields?: string | readonly string[] | undefined
}

/** Of `streamEvents`. */
export interface StreamEventsQuery {
  /** Names or prefixes such as `appointment.*`; repeated, or separated by commas */
  readonly event_names?: string | readonly string[] | undefined
  /** Together with `entity_id` */
  readonly entity_type?: string | undefined
  readonly entity_id?: string | number | undefined
  /** Also the events that name the entity as related */
  readonly include_related?: boolean | undefined
  /** Together with `related_id` */
  readonly related_type?: string | undefined
  readonly related_id?: string | number | undefined
  /** Together with `actor_id` */
  readonly actor_type?: string | undefined
  readonly actor_id?: string | number | undefined
  readonly source?: string | undefined
  readonly correlation_id?: string | undefined
  /** JSON text of a filter, as subscriptions have them: `{"price":{"$gt":100}}`. Events whose payload is no longer stored do not fulfil it */
  readonly filter?: string | Readonly<Record<string, unknown>> | undefined
  /** Begins with the event behind this position; with what comes from now on when absent */
  readonly after?: number | undefined
  /** False: ends when every event up to now was sent */
  readonly follow?: boolean | undefined
  /** Members that are wanted, such as `id,event_name`; repeated, or separated by commas. All when absent */
  readonly fields?: string | readonly string[] | undefined
}

/** Of `getEventFacets`. */
export interface GetEventFacetsQuery {
  /** RFC 3339 with an offset, or relative: `-90s`, `-30m`, `-24h`, `-7d`, `now` */
  readonly from?: string | Date | undefined
  /** Like `from`; itself not included */
  readonly to?: string | Date | undefined
  /** Names or prefixes such as `appointment.*`; repeated, or separated by commas */
  readonly event_names?: string | readonly string[] | undefined
  /** Together with `entity_id` */
  readonly entity_type?: string | undefined
  readonly entity_id?: string | number | undefined
  /** Also the events that name the entity as related */
  readonly include_related?: boolean | undefined
  /** Together with `related_id` */
  readonly related_type?: string | undefined
  readonly related_id?: string | number | undefined
  /** Together with `actor_id` */
  readonly actor_type?: string | undefined
  readonly actor_id?: string | number | undefined
  readonly source?: string | undefined
  readonly correlation_id?: string | undefined
}

/** Of `getTimeline`. */
export interface GetTimelineQuery {
  readonly entity_type: string
  /** The number 123 and the text "123" are the same */
  readonly entity_id: string | number
  /** Also events that name the entity as related, events linked by correlation, and everything about identities that were merged into it (by `<type>.merged` events) */
  readonly include_related?: boolean | undefined
  /** Like `from`: tell the state by then too, events recorded at this very time included */
  readonly at?: string | Date | undefined
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
  /** RFC 3339 with an offset, or relative: `-90s`, `-30m`, `-24h`, `-7d`, `now` */
  readonly from?: string | Date | undefined
  /** Like `from`; itself not included */
  readonly to?: string | Date | undefined
  /** By position */
  readonly order?: "asc" | "desc" | undefined
}

/** Of `getStats`. */
export interface GetStatsQuery {
  /** RFC 3339 with an offset, or relative: `-90s`, `-30m`, `-24h`, `-7d`, `now` */
  readonly from?: string | Date | undefined
  /** Like `from`; itself not included */
  readonly to?: string | Date | undefined
  /** In UTC. Minutes are kept for two days, hours for 90, days for ever */
  readonly bucket?: "auto" | "minute" | "hour" | "day" | undefined
  /** Names or prefixes such as `appointment.*`; repeated, or separated by commas. Every business event when absent. Not together with `subscription_id` */
  readonly event_names?: string | readonly string[] | undefined
  /** Only its deliveries; events are those of the company */
  readonly subscription_id?: string | undefined
}

/** Of `getEventRouting`. */
export interface GetEventRoutingQuery {
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
}

/** Of `listDefinitions`. */
export interface ListDefinitionsQuery {
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
  readonly source?: "standard" | "custom" | undefined
  /** `draft`: not in force; `active`: publishes are judged by it; `deprecated`: the same, with a warning; `archived`: publishes are refused */
  readonly status?: "draft" | "active" | "deprecated" | "archived" | undefined
  readonly tag?: string | undefined
  /** Part of a name, title or description, in any case */
  readonly q?: string | undefined
}

export interface CreateDefinitionBody {
  /** 1 to 6 dotted segments of `a-z`, `0-9`, `_` and `-`, at most 128 characters; not `daybook.*` */
  readonly event_name: string
  /** JSON Schema 2020-12 of the payload, kept byte for byte. `x-entity`, `x-related` and `x-personal` say what in a payload names entities and persons */
  readonly schema: unknown
  /** `draft` when absent */
  readonly status?: "draft" | "active" | undefined
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly owner?: string | null | undefined
  readonly tags?: readonly string[] | undefined
  /** What a new version must keep: `backward` for producers that write by an older version, `forward` for consumers that read by one, `full` both; of the version before it, or with `_transitive` of all */
  readonly compatibility?: "none" | "backward" | "backward_transitive" | "forward" | "forward_transitive" | "full" | "full_transitive" | undefined
  /** Payloads; each has to fit the schema */
  readonly examples?: readonly unknown[] | undefined
}

/** Of `getDefinition`. */
export interface GetDefinitionQuery {
  /** Of the definition; the latest when absent */
  readonly version?: number | undefined
}

export interface UpdateDefinitionBody {
  /** JSON Schema 2020-12 of the payload, kept byte for byte. `x-entity`, `x-related` and `x-personal` say what in a payload names entities and persons */
  readonly schema?: unknown
  /** `draft`: not in force; `active`: publishes are judged by it; `deprecated`: the same, with a warning; `archived`: publishes are refused */
  readonly status?: "draft" | "active" | "deprecated" | "archived" | undefined
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly owner?: string | null | undefined
  readonly tags?: readonly string[] | undefined
  /** What a new version must keep: `backward` for producers that write by an older version, `forward` for consumers that read by one, `full` both; of the version before it, or with `_transitive` of all */
  readonly compatibility?: "none" | "backward" | "backward_transitive" | "forward" | "forward_transitive" | "full" | "full_transitive" | undefined
  /** Payloads; each has to fit the schema */
  readonly examples?: readonly unknown[] | undefined
}

/** Of `listDefinitionVersions`. */
export interface ListDefinitionVersionsQuery {
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
}

export interface CheckDefinitionBody {
  /** JSON Schema 2020-12 of the payload, kept byte for byte. `x-entity`, `x-related` and `x-personal` say what in a payload names entities and persons */
  readonly schema: unknown
  /** Payloads; each has to fit the schema */
  readonly examples?: readonly unknown[] | undefined
  /** What a new version must keep: `backward` for producers that write by an older version, `forward` for consumers that read by one, `full` both; of the version before it, or with `_transitive` of all */
  readonly compatibility?: "none" | "backward" | "backward_transitive" | "forward" | "forward_transitive" | "full" | "full_transitive" | undefined
  /** How many of the last events of this name are judged; when absent 100, or none with a key without `events:read` */
  readonly last?: number | undefined
}

/** Of `sampleDefinition`. */
export interface SampleDefinitionQuery {
  /** Of the definition; the latest when absent */
  readonly version?: number | undefined
  /** Another one gives another payload, the same one the same; when absent the first example is given */
  readonly seed?: number | undefined
}

export interface ImportDefinitionsBody {
  /** OpenAPI 3.0 to 3.2, AsyncAPI 2 or 3, or definitions of our own form; as an object, or as a text of JSON (5 MB) or YAML (2 MB) */
  readonly document: string | Readonly<Record<string, unknown>>
  /** What it has to be; otherwise it says it itself */
  readonly format?: "openapi" | "asyncapi" | "definition" | undefined
  /** The callbacks of an OpenAPI document are events too */
  readonly callbacks?: boolean | undefined
  /** Write nothing and tell what would be done */
  readonly dry_run?: boolean | undefined
  /** Of new definitions and of drafts; others keep theirs */
  readonly status?: "draft" | "active" | undefined
  /** Of every definition that is imported */
  readonly compatibility?: "none" | "backward" | "backward_transitive" | "forward" | "forward_transitive" | "full" | "full_transitive" | undefined
}

/** Of `listSubscriptions`. */
export interface ListSubscriptionsQuery {
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
}

export interface CreateSubscriptionBody {
  /** https to a public address, unless the operator allows more; at most 2,048 characters */
  readonly webhook_url: string
  /** 1 to 100 names, prefixes such as `appointment.*`, or `*` for every business event */
  readonly event_names: readonly string[]
  readonly description?: string | null | undefined
  readonly active?: boolean | undefined
  /** Calls at once */
  readonly concurrency?: number | undefined
  /** Deadline of one attempt */
  readonly timeout_ms?: number | undefined
  readonly rate_limit?: number | null | undefined
  readonly filter?: Readonly<Record<string, unknown>> | null | undefined
  /** Sent with every call; at most 20. Those that Daybook or the connection needs are refused */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly auth?: {
    readonly type: "none"
  } | {
    readonly type: "api_key"
    /** The name of the header */
    readonly header: string
    /** Its value. Stored sealed, and in no answer */
    readonly value: string
  } | {
    readonly type: "basic"
    /** Without a colon */
    readonly username: string
    /** May be empty. Stored sealed, and in no answer */
    readonly password: string
  } | {
    readonly type: "bearer"
    /** The token. Stored sealed, and in no answer */
    readonly token: string
  } | {
    readonly type: "oauth2"
    /** Where a token is had with client credentials (RFC 6749, 4.4) */
    readonly token_url: string
    /**  */
    readonly client_id: string
    /** The secret of the client. Stored sealed, and in no answer */
    readonly client_secret: string
    /** Words apart by blanks */
    readonly scope?: string | undefined
    /** Where the server asks for one */
    readonly audience?: string | undefined
    /** How the secret is sent: as basic authentication (the default), or in the body */
    readonly client_auth?: "basic" | "post" | undefined
  } | null | undefined
  readonly tls?: {
    /** The client certificate and its chain, PEM */
    readonly certificate?: string | undefined
    /** Its key, PEM. Stored sealed, and in no answer */
    readonly private_key?: string | undefined
    /** Who vouches for the endpoint instead of the public authorities */
    readonly ca?: string | undefined
  } | null | undefined
  /** The form of the body: that of Daybook, or CloudEvents 1.0 in structured mode */
  readonly format?: "daybook" | "cloudevents" | undefined
  /** What is sent one after the other: nothing; the events of each entity; all. What comes after a delivery that fails waits until it has ended */
  readonly ordering?: "none" | "entity" | "subscription" | undefined
  readonly retry_schedule?: readonly number[] | null | undefined
  /** `whsec_` and 24 to 64 bytes in base64, or `whsk_` and an Ed25519 key; made when absent */
  readonly secret?: string | undefined
  /** How calls are signed: HMAC-SHA256 (`v1`), or Ed25519 (`v1a`) */
  readonly signature?: "hmac" | "ed25519" | undefined
}

export interface PreviewSubscriptionBody {
  /** 1 to 100 names, prefixes such as `appointment.*`, or `*` for every business event */
  readonly event_names: readonly string[]
  readonly filter?: Readonly<Record<string, unknown>> | null | undefined
  /** How many of the newest events */
  readonly last?: number | undefined
}

export interface ReplaceSubscriptionBody {
  /** https to a public address, unless the operator allows more; at most 2,048 characters */
  readonly webhook_url: string
  /** 1 to 100 names, prefixes such as `appointment.*`, or `*` for every business event */
  readonly event_names: readonly string[]
  readonly description?: string | null | undefined
  readonly active?: boolean | undefined
  /** Calls at once */
  readonly concurrency?: number | undefined
  /** Deadline of one attempt */
  readonly timeout_ms?: number | undefined
  readonly rate_limit?: number | null | undefined
  readonly filter?: Readonly<Record<string, unknown>> | null | undefined
  /** Sent with every call; at most 20. Those that Daybook or the connection needs are refused */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly auth?: {
    readonly type: "none"
  } | {
    readonly type: "api_key"
    /** The name of the header */
    readonly header: string
    /** Its value. Stored sealed, and in no answer */
    readonly value: string
  } | {
    readonly type: "basic"
    /** Without a colon */
    readonly username: string
    /** May be empty. Stored sealed, and in no answer */
    readonly password: string
  } | {
    readonly type: "bearer"
    /** The token. Stored sealed, and in no answer */
    readonly token: string
  } | {
    readonly type: "oauth2"
    /** Where a token is had with client credentials (RFC 6749, 4.4) */
    readonly token_url: string
    /**  */
    readonly client_id: string
    /** The secret of the client. Stored sealed, and in no answer */
    readonly client_secret: string
    /** Words apart by blanks */
    readonly scope?: string | undefined
    /** Where the server asks for one */
    readonly audience?: string | undefined
    /** How the secret is sent: as basic authentication (the default), or in the body */
    readonly client_auth?: "basic" | "post" | undefined
  } | null | undefined
  readonly tls?: {
    /** The client certificate and its chain, PEM */
    readonly certificate?: string | undefined
    /** Its key, PEM. Stored sealed, and in no answer */
    readonly private_key?: string | undefined
    /** Who vouches for the endpoint instead of the public authorities */
    readonly ca?: string | undefined
  } | null | undefined
  /** The form of the body: that of Daybook, or CloudEvents 1.0 in structured mode */
  readonly format?: "daybook" | "cloudevents" | undefined
  /** What is sent one after the other: nothing; the events of each entity; all. What comes after a delivery that fails waits until it has ended */
  readonly ordering?: "none" | "entity" | "subscription" | undefined
  readonly retry_schedule?: readonly number[] | null | undefined
}

export interface UpdateSubscriptionBody {
  /** https to a public address, unless the operator allows more; at most 2,048 characters */
  readonly webhook_url?: string | undefined
  /** 1 to 100 names, prefixes such as `appointment.*`, or `*` for every business event */
  readonly event_names?: readonly string[] | undefined
  readonly description?: string | null | undefined
  readonly active?: boolean | undefined
  /** Calls at once */
  readonly concurrency?: number | undefined
  /** Deadline of one attempt */
  readonly timeout_ms?: number | undefined
  readonly rate_limit?: number | null | undefined
  readonly filter?: Readonly<Record<string, unknown>> | null | undefined
  /** Sent with every call; at most 20. Those that Daybook or the connection needs are refused */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly auth?: {
    readonly type: "none"
  } | {
    readonly type: "api_key"
    /** The name of the header */
    readonly header: string
    /** Its value. Stored sealed, and in no answer */
    readonly value: string
  } | {
    readonly type: "basic"
    /** Without a colon */
    readonly username: string
    /** May be empty. Stored sealed, and in no answer */
    readonly password: string
  } | {
    readonly type: "bearer"
    /** The token. Stored sealed, and in no answer */
    readonly token: string
  } | {
    readonly type: "oauth2"
    /** Where a token is had with client credentials (RFC 6749, 4.4) */
    readonly token_url: string
    /**  */
    readonly client_id: string
    /** The secret of the client. Stored sealed, and in no answer */
    readonly client_secret: string
    /** Words apart by blanks */
    readonly scope?: string | undefined
    /** Where the server asks for one */
    readonly audience?: string | undefined
    /** How the secret is sent: as basic authentication (the default), or in the body */
    readonly client_auth?: "basic" | "post" | undefined
  } | null | undefined
  readonly tls?: {
    /** The client certificate and its chain, PEM */
    readonly certificate?: string | undefined
    /** Its key, PEM. Stored sealed, and in no answer */
    readonly private_key?: string | undefined
    /** Who vouches for the endpoint instead of the public authorities */
    readonly ca?: string | undefined
  } | null | undefined
  /** The form of the body: that of Daybook, or CloudEvents 1.0 in structured mode */
  readonly format?: "daybook" | "cloudevents" | undefined
  /** What is sent one after the other: nothing; the events of each entity; all. What comes after a delivery that fails waits until it has ended */
  readonly ordering?: "none" | "entity" | "subscription" | undefined
  readonly retry_schedule?: readonly number[] | null | undefined
}

export interface EnableSubscriptionBody {
  /** Send it what passed it by */
  readonly recover?: boolean | undefined
  /** How many that are, if more than 1,000; it may have moved by a tenth since */
  readonly expected_count?: number | undefined
}

export interface RecoverSubscriptionBody {
  readonly from_position: number
  readonly to_position?: number | undefined
  /** How many that are, if more than 1,000; it may have moved by a tenth since */
  readonly expected_count?: number | undefined
}

export interface RotateSecretBody {
  /** For how long calls are signed with the old secret too */
  readonly overlap_seconds?: number | undefined
  /** `whsec_` and 24 to 64 bytes in base64, or `whsk_` and an Ed25519 key; made when absent */
  readonly secret?: string | undefined
  /** How calls are signed: HMAC-SHA256 (`v1`), or Ed25519 (`v1a`) */
  readonly signature?: "hmac" | "ed25519" | undefined
}

export interface TestSubscriptionBody {
  /** Of the sample; declared or not */
  readonly event_name?: string | undefined
  /** Sent as it is. By default what the definition gives: its first example */
  readonly payload?: unknown
  readonly entity_type?: string | undefined
  /** Text or a whole number; the number 123 and the text "123" are the same */
  readonly entity_id?: string | number | undefined
}

/** Of `listDeliveries`. */
export interface ListDeliveriesQuery {
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
  readonly state?: "pending" | "delivered" | "failed" | "cancelled" | undefined
  /** UUID */
  readonly subscription_id?: string | undefined
  /** UUID */
  readonly event_id?: string | undefined
  /** Of the pending ones, those that wait for an earlier one, or those that do not */
  readonly blocked?: boolean | undefined
}

export interface RetryDeliveriesBody {
  readonly filter: {
    readonly state?: "pending" | "failed" | "cancelled" | undefined
    /** UUID */
    readonly subscription_id?: string | undefined
    /** A name, a prefix such as `appointment.*`, or `*`: every business event */
    readonly event_name?: string | undefined
    /** Of the ending; of a pending one, of its last attempt, or `not_attempted_yet` */
    readonly reason?: string | undefined
    /** RFC 3339 with an offset, or relative: `-90s`, `-30m`, `-24h`, `-7d`, `now` */
    readonly from?: string | undefined
    /** Like `from`; itself not included */
    readonly to?: string | undefined
  }
  /** Counts, and changes nothing */
  readonly dry_run?: boolean | undefined
  /** What the dry run said; needed above 1,000. The number may have moved by a tenth of it since */
  readonly expected_count?: number | undefined
}

export interface CancelDeliveriesBody {
  readonly filter: {
    readonly state?: "pending" | undefined
    /** UUID */
    readonly subscription_id?: string | undefined
    /** A name, a prefix such as `appointment.*`, or `*`: every business event */
    readonly event_name?: string | undefined
    /** Of the ending; of a pending one, of its last attempt, or `not_attempted_yet` */
    readonly reason?: string | undefined
    /** RFC 3339 with an offset, or relative: `-90s`, `-30m`, `-24h`, `-7d`, `now` */
    readonly from?: string | undefined
    /** Like `from`; itself not included */
    readonly to?: string | undefined
  }
  /** Counts, and changes nothing */
  readonly dry_run?: boolean | undefined
  /** What the dry run said; needed above 1,000. The number may have moved by a tenth of it since */
  readonly expected_count?: number | undefined
}

/** Of `listJobs`. */
export interface ListJobsQuery {
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
}

/** Of `listReplays`. */
export interface ListReplaysQuery {
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
}

export interface CreateReplayBody {
  /** An event has to fulfil all that is given */
  readonly source: {
    /** Included */
    readonly from_position?: number | undefined
    /** Included. What is recorded after the start is in no replay */
    readonly to_position?: number | undefined
    /** RFC 3339 with an offset, or relative: `-90s`, `-30m`, `-24h`, `-7d`, `now` */
    readonly from?: string | undefined
    /** Like `from`; itself not included */
    readonly to?: string | undefined
    /** Names, prefixes such as `appointment.*`, or `*`: every business event */
    readonly event_names?: readonly string[] | undefined
    /** Events about one of them */
    readonly entities?: readonly ({
      readonly type: string
      /** Text or a whole number; the number 123 and the text "123" are the same */
      readonly id: string | number
    })[] | undefined
    /** With `entities`: also the events that name one as related */
    readonly include_related?: boolean | undefined
    readonly correlation_id?: string | undefined
    /** As subscriptions have them, see docs/filters.md */
    readonly filter?: Readonly<Record<string, unknown>> | undefined
  }
  readonly target: {
    readonly subscription_ids: readonly string[]
  }
  /** `all` that is chosen; `missing`: what was never delivered and is not pending; `failed`: what ended last as failed or cancelled */
  readonly mode?: "all" | "missing" | "failed" | undefined
  /** Deliveries per second, at most */
  readonly rate?: number | undefined
  /** For people; kept with the replay and in its events */
  readonly reason?: string | undefined
  /** Looks and counts, and sends nothing */
  readonly dry_run?: boolean | undefined
  /** What the dry run said; needed above 1,000, and wherever that was an estimate. The number may have moved by a tenth of it since; an estimate, by half of it or 1,000 */
  readonly expected_count?: number | undefined
}

export interface ResumeReplayBody {
  /** Confirms so many deliveries, a tenth more, and 1,000 at least, where the total is an estimate */
  readonly expected_count?: number | undefined
}

export interface TestWebhookBody {
  /** https to a public address, unless the operator allows more; at most 2,048 characters */
  readonly webhook_url: string
  /** Of the sample; declared or not */
  readonly event_name: string
  /** Sent as it is. By default what the definition gives: its first example */
  readonly payload?: unknown
  readonly entity_type?: string | undefined
  /** Text or a whole number; the number 123 and the text "123" are the same */
  readonly entity_id?: string | number | undefined
  /** Sent with every call; at most 20. Those that Daybook or the connection needs are refused */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly auth?: {
    readonly type: "none"
  } | {
    readonly type: "api_key"
    /** The name of the header */
    readonly header: string
    /** Its value. Stored sealed, and in no answer */
    readonly value: string
  } | {
    readonly type: "basic"
    /** Without a colon */
    readonly username: string
    /** May be empty. Stored sealed, and in no answer */
    readonly password: string
  } | {
    readonly type: "bearer"
    /** The token. Stored sealed, and in no answer */
    readonly token: string
  } | {
    readonly type: "oauth2"
    /** Where a token is had with client credentials (RFC 6749, 4.4) */
    readonly token_url: string
    /**  */
    readonly client_id: string
    /** The secret of the client. Stored sealed, and in no answer */
    readonly client_secret: string
    /** Words apart by blanks */
    readonly scope?: string | undefined
    /** Where the server asks for one */
    readonly audience?: string | undefined
    /** How the secret is sent: as basic authentication (the default), or in the body */
    readonly client_auth?: "basic" | "post" | undefined
  } | null | undefined
  readonly tls?: {
    /** The client certificate and its chain, PEM */
    readonly certificate?: string | undefined
    /** Its key, PEM. Stored sealed, and in no answer */
    readonly private_key?: string | undefined
    /** Who vouches for the endpoint instead of the public authorities */
    readonly ca?: string | undefined
  } | null | undefined
  /** The form of the body: that of Daybook, or CloudEvents 1.0 in structured mode */
  readonly format?: "daybook" | "cloudevents" | undefined
  /** Deadline of one attempt */
  readonly timeout_ms?: number | undefined
  /** `whsec_` and 24 to 64 bytes in base64, or `whsk_` and an Ed25519 key; made when absent */
  readonly secret?: string | undefined
  /** How calls are signed: HMAC-SHA256 (`v1`), or Ed25519 (`v1a`) */
  readonly signature?: "hmac" | "ed25519" | undefined
}

/** Of `listWebhookLogs`. */
export interface ListWebhookLogsQuery {
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
  /** RFC 3339 with an offset, or relative: `-90s`, `-30m`, `-24h`, `-7d`, `now` */
  readonly from?: string | Date | undefined
  /** Like `from`; itself not included */
  readonly to?: string | Date | undefined
  /** UUID */
  readonly subscription_id?: string | undefined
  /** UUID */
  readonly event_id?: string | undefined
  /** UUID */
  readonly delivery_id?: string | undefined
  /** A name, a prefix such as `appointment.*`, or `*`: every business event */
  readonly event_name?: string | undefined
  /** `unknown`: whoever made the attempt was gone before its result was written; it is made again */
  readonly outcome?: "delivered" | "will_retry" | "failed" | "cancelled" | "unknown" | undefined
  /** Of the response; `none`: there was none */
  readonly status_class?: "1xx" | "2xx" | "3xx" | "4xx" | "5xx" | "none" | undefined
  readonly response_status?: number | undefined
  readonly is_test?: boolean | undefined
  /** Stable word: `http_503`, `timeout` and the like */
  readonly reason?: string | undefined
}

/** Of `listAudit`. */
export interface ListAuditQuery {
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
  /** RFC 3339 with an offset, or relative: `-90s`, `-30m`, `-24h`, `-7d`, `now` */
  readonly from?: string | Date | undefined
  /** Like `from`; itself not included */
  readonly to?: string | Date | undefined
  /** Names or prefixes such as `appointment.*`; repeated, or separated by commas */
  readonly event_names?: string | readonly string[] | undefined
  /** Together with `entity_id` */
  readonly entity_type?: string | undefined
  readonly entity_id?: string | number | undefined
  /** Also the events that name the entity as related */
  readonly include_related?: boolean | undefined
  /** Together with `related_id` */
  readonly related_type?: string | undefined
  readonly related_id?: string | number | undefined
  /** Together with `actor_id` */
  readonly actor_type?: string | undefined
  readonly actor_id?: string | number | undefined
  readonly source?: string | undefined
  readonly correlation_id?: string | undefined
  /** By position */
  readonly order?: "asc" | "desc" | undefined
}

/** Of `exportAudit`. */
export interface ExportAuditQuery {
  readonly format?: "ndjson" | "csv" | undefined
  /** RFC 3339 with an offset, or relative: `-90s`, `-30m`, `-24h`, `-7d`, `now` */
  readonly from?: string | Date | undefined
  /** Like `from`; itself not included */
  readonly to?: string | Date | undefined
  /** Names or prefixes such as `appointment.*`; repeated, or separated by commas */
  readonly event_names?: string | readonly string[] | undefined
  /** Together with `entity_id` */
  readonly entity_type?: string | undefined
  readonly entity_id?: string | number | undefined
  /** Also the events that name the entity as related */
  readonly include_related?: boolean | undefined
  /** Together with `related_id` */
  readonly related_type?: string | undefined
  readonly related_id?: string | number | undefined
  /** Together with `actor_id` */
  readonly actor_type?: string | undefined
  readonly actor_id?: string | number | undefined
  readonly source?: string | undefined
  readonly correlation_id?: string | undefined
  /** By position */
  readonly order?: "asc" | "desc" | undefined
}

export interface SetRetentionBody {
  readonly payload_retention_days: number | null
  readonly ledger_retention_days: number | null
  /** The one that says most about a name counts: its own name, then the longest prefix, then `*` */
  readonly rules: readonly ({
    /** A name, a prefix such as `appointment.*`, or `*`: every business event */
    readonly event_name: string
    readonly payload_retention_days: number | null
  })[]
}

export interface PreviewRetentionBody {
  readonly payload_retention_days: number | null
  readonly ledger_retention_days: number | null
  /** The one that says most about a name counts: its own name, then the longest prefix, then `*` */
  readonly rules: readonly ({
    /** A name, a prefix such as `appointment.*`, or `*`: every business event */
    readonly event_name: string
    readonly payload_retention_days: number | null
  })[]
}

/** Of `listApiKeys`. */
export interface ListApiKeysQuery {
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
}

export interface CreateApiKeyBody {
  readonly name: string
  /** `*` is everything within the company */
  readonly scopes: readonly ("*" | "events:read" | "events:write" | "audit:read" | "definitions:write" | "subscriptions:read" | "subscriptions:write" | "secrets:read" | "deliveries:read" | "deliveries:write" | "replays:write" | "retention:read" | "retention:write" | "keys:read" | "keys:write")[]
  readonly expires_at?: string | null | undefined
}

/** Of `listCompanies`. */
export interface ListCompaniesQuery {
  readonly limit?: number | undefined
  /** The `next_cursor` of the page before, with the same filters */
  readonly cursor?: string | undefined
}

export interface CreateCompanyBody {
  readonly name: string
  readonly settings?: {
    /** Events whose name has no definition are accepted */
    readonly allow_undeclared_events?: boolean | undefined
    /** Failed deliveries in a row after which a subscription is disabled */
    readonly disable_after_failures?: number | undefined
    /** Each day ends with a `metrics.updated` of its statistics */
    readonly daily_metrics?: boolean | undefined
  } | undefined
}

export interface UpdateCompanyBody {
  readonly settings: {
    /** Events whose name has no definition are accepted */
    readonly allow_undeclared_events?: boolean | undefined
    /** Failed deliveries in a row after which a subscription is disabled */
    readonly disable_after_failures?: number | undefined
    /** Each day ends with a `metrics.updated` of its statistics */
    readonly daily_metrics?: boolean | undefined
  }
}
