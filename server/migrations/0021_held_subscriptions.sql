-- 0021_held_subscriptions: an active subscription's new events can be held back while past ones are replayed to it.
--
-- Locks: both tables for moments. No row is rewritten; the check looks at the current subscriptions alone.

-- Up Migration

-- The job that holds them back and lets them follow; null: they are sent as they come.
alter table event_subscriptions add column held_by uuid;
alter table event_subscriptions add constraint event_subscriptions_held_while_active
  check (held_by is null or (status = 'active' and held_from_position is not null));
alter table event_subscription_versions add column held_by uuid; -- not null: nothing was routed to it
