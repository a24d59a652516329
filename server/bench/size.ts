/** How much a run measures. */
export interface Size {
  /** Posts of each bare loop, and rows of each bare batch of inserts. */
  readonly baseline: number
  /** Published before anything is measured, so that what is measured is compiled code. */
  readonly warmUp: number
  readonly endToEnd: number
  readonly singles: number
  readonly latencySeconds: number
  readonly backlog: number
  readonly backlogSeconds: number
  readonly endpoints: number
  readonly hangingSeconds: number
  /** Subscriptions that an event does not match. */
  readonly crowd: number
  /** Events that are replayed. */
  readonly replay: number
  /** Deadline of a call to an endpoint that may hang, and the wait until the next one. */
  readonly hangingTimeoutMs: number
  readonly hangingRetrySeconds: number
  /** Of three companies, four in five of the first one. */
  readonly historyEvents: number
  /** What these events are about, about. */
  readonly historyEntities: number
  /** Of each kind. */
  readonly historyRequests: number
  /** Rows of the log in months that go whole, and rows that end one by one. */
  readonly retentionDropped: number
  readonly retentionEnded: number
  /** Times the server is started; the median counts. */
  readonly starts: number
  /** For the last receipt, after the last publish was answered. */
  readonly receiptLimitMs: number
}

export const sizes = {
  full: {
    baseline: 40_000,
    warmUp: 5_000,
    endToEnd: 60_000,
    singles: 30_000,
    latencySeconds: 10,
    backlog: 100_000,
    backlogSeconds: 5,
    endpoints: 1_000,
    hangingSeconds: 15,
    crowd: 100_000,
    replay: 100_000,
    retentionDropped: 10_000_000,
    retentionEnded: 500_000,
    hangingTimeoutMs: 15_000,
    // Nothing is tried again while it is measured, as with the usual minute.
    hangingRetrySeconds: 20,
    historyEvents: 5_000_000,
    historyEntities: 200_000,
    historyRequests: 200,
    starts: 3,
    receiptLimitMs: 120_000,
  },
  quick: {
    baseline: 10_000,
    warmUp: 2_000,
    endToEnd: 8_000,
    singles: 6_000,
    latencySeconds: 4,
    backlog: 10_000,
    backlogSeconds: 3,
    endpoints: 200,
    hangingSeconds: 5,
    crowd: 5_000,
    replay: 10_000,
    retentionDropped: 200_000,
    retentionEnded: 20_000,
    hangingTimeoutMs: 5_000,
    hangingRetrySeconds: 8,
    historyEvents: 200_000,
    historyEntities: 10_000,
    historyRequests: 50,
    starts: 1,
    receiptLimitMs: 60_000,
  },
  tiny: {
    baseline: 500,
    warmUp: 100,
    endToEnd: 500,
    singles: 200,
    latencySeconds: 1,
    backlog: 500,
    backlogSeconds: 1,
    endpoints: 20,
    hangingSeconds: 1,
    crowd: 100,
    replay: 500,
    retentionDropped: 1_000,
    retentionEnded: 500,
    hangingTimeoutMs: 1_000,
    hangingRetrySeconds: 1,
    historyEvents: 10_000,
    historyEntities: 1_000,
    historyRequests: 2,
    starts: 1,
    receiptLimitMs: 30_000,
  },
} as const satisfies Readonly<Record<string, Size>>
