/**
 * The one table of public error codes. A code never changes its meaning; the answer is an RFC 9457 problem document.
 * `title` is fixed per code, the particular case goes into `detail` and into `errors` (code, message and JSON pointer each).
 */
export const problems = {
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  duplicate_key: { status: 400, title: 'An object names a key twice' },
  nesting_too_deep: { status: 400, title: 'The JSON is nested too deeply' },
  unstorable_text: { status: 400, title: 'A text holds a character that cannot be stored' },
  invalid_request: { status: 400, title: 'The request does not have the form this route takes' },
  invalid_cursor: { status: 400, title: 'The cursor was not given out by this list' },
  unauthenticated: { status: 401, title: 'A valid API key is needed' },
  forbidden: { status: 403, title: 'The key does not have the scope this route needs' },
  not_found: { status: 404, title: 'No such thing' },
  not_acceptable: { status: 406, title: 'The route does not answer with any of the accepted types' },
  method_not_allowed: { status: 405, title: 'The route does not take this method' },
  idempotency_conflict: { status: 409, title: 'The same id or key was used before with other content' },
  delivery_in_flight: { status: 409, title: 'The delivery is being attempted right now' },
  delivery_pending: { status: 409, title: 'The delivery has not ended yet' },
  delivery_blocked: { status: 409, title: 'The delivery waits for an earlier one' },
  delivery_not_ordered: { status: 409, title: 'The delivery is in no order with others' },
  delivery_ended: { status: 409, title: 'The delivery has ended already' },
  count_changed: { status: 409, title: 'Another number than expected fits the filter' },
  job_ended: { status: 409, title: 'The job has ended already' },
  job_limit: { status: 409, title: 'The company has as many open jobs as it may have' },
  payload_expired: { status: 409, title: 'The payload of the event is no longer stored' },
  subscription_deleted: { status: 409, title: 'The subscription was deleted' },
  secret_unreadable: { status: 409, title: 'A stored secret cannot be opened' },
  recovery_running: { status: 409, title: 'A job sends the subscription what it missed, and then makes it active' },
  subscription_not_recoverable: { status: 409, title: 'The subscription cannot be sent what it missed' },
  subscription_limit: { status: 409, title: 'The company has as many subscriptions as it may have' },
  log_expired: { status: 410, title: 'The ledger of that time is no longer stored' },
  precondition_failed: { status: 412, title: 'It was changed since it was read' },
  definition_exists: { status: 409, title: 'There is a definition of this name' },
  definition_limit: { status: 409, title: 'There are as many definitions, or versions of one, as there may be' },
  definition_in_use: { status: 409, title: 'The definition had events and can only be archived' },
  definition_transition: { status: 409, title: 'The definition cannot go from its status to this one' },
  standard_definition: { status: 409, title: 'Standard definitions cannot be changed' },
  incompatible_schema: { status: 409, title: 'The schema breaks what older versions promise' },
  payload_too_large: { status: 413, title: 'The payload is larger than 262,144 bytes' },
  body_too_large: { status: 413, title: 'The request body is too large' },
  unsupported_media_type: { status: 415, title: 'The route takes application/json' },
  invalid_event_name: { status: 422, title: 'The event name does not fit the grammar' },
  unknown_event_name: { status: 422, title: 'No definition has this event name' },
  reserved_event_name: { status: 422, title: 'Names that begin with daybook. are reserved' },
  definition_archived: { status: 422, title: 'The definition of this event name is archived' },
  invalid_definition: { status: 422, title: 'The definition cannot be used' },
  invalid_document: { status: 422, title: 'The document cannot be read' },
  import_refused: { status: 422, title: 'Something in the document cannot be imported; nothing was' },
  schema_violation: { status: 422, title: 'The payload does not fit its definition' },
  invalid_event_id: { status: 422, title: 'The event id is not a UUIDv7 of the present' },
  invalid_time: { status: 422, title: 'A time is not valid' },
  invalid_entity: { status: 422, title: 'An entity is not named in full' },
  too_many_related: { status: 422, title: 'An event names at most 16 related entities' },
  duplicate_event: { status: 422, title: 'A batch names an event twice' },
  batch_too_large: { status: 422, title: 'A batch holds at most 1,000 events' },
  invalid_url: { status: 422, title: 'The webhook URL cannot be used' },
  unknown_subscription: { status: 422, title: 'A subscription that is named does not exist' },
  count_required: { status: 422, title: 'So many can only be changed when their number is confirmed' },
  job_too_large: { status: 422, title: 'The filter fits more than one job may look at' },
  position_ahead: { status: 422, title: 'The log has not come to this position' },
  invalid_retention: { status: 422, title: 'The retention cannot be used' },
  invalid_filter: { status: 422, title: 'The filter cannot be used' },
  invalid_header: { status: 422, title: 'A custom header cannot be used' },
  invalid_credentials: { status: 422, title: 'The credentials for the endpoint cannot be used' },
  too_many_tests: { status: 429, title: 'Too many test calls at once or within a minute' },
  too_many_streams: { status: 429, title: 'The company has as many open streams as it may have' },
  rate_limited: { status: 429, title: 'Too many requests; see retry-after' },
  internal_error: { status: 500, title: 'Internal error' },
  unavailable: { status: 503, title: 'The database does not answer' },
  streams_full: { status: 503, title: 'This process has as many open streams as it may have' },
  too_busy: { status: 503, title: 'Judging took longer than it may; try again' },
  shutting_down: { status: 503, title: 'The server is stopping' },
} as const

export type ProblemCode = keyof typeof problems

/** One fault in a request: where (RFC 6901 JSON pointer into the body), what (stable code), and for people. */
export interface Fault {
  readonly pointer: string
  readonly code: string
  readonly message: string
}

/**
 * An error that its caller may see. `message` becomes `detail`, so it must hold no secret and no byte of a payload;
 * `faults` become `errors`.
 */
export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly faults: readonly Fault[]

  constructor(code: ProblemCode, message: string, faults: readonly Fault[] = []) {
    super(message)
    this.name = 'ProblemError'
    this.code = code
    this.faults = faults
  }
}
