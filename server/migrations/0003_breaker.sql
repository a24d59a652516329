-- 0003_breaker: a breaker and a rate limit per subscription.
-- Locks: event_subscriptions and subscription_health for an instant; the new columns have defaults that need no rewrite.

-- Up Migration

-- Calls per second, over all processes; null: as fast as they are answered.
alter table event_subscriptions
  add column rate_limit integer constraint event_subscriptions_rate_limit_range check (rate_limit between 1 and 10000);

-- The breaker (webhooks/breaker.ts) and what the rate limit has left, under the same lock as the leases.
alter table subscription_health
  add column breaker text not null default 'closed'
    constraint subscription_health_breaker_known check (breaker in ('closed', 'open', 'recovering')),
  add column breaker_failures integer not null default 0,
  add column breaker_trips integer not null default 0,
  add column breaker_open_until timestamptz,
  add column breaker_ramp integer not null default 1,
  add column is_slow boolean not null default false,
  add column rate_tokens double precision,
  add column rate_at timestamptz;
