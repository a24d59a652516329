-- 0014_ordered_limit: ordered subscriptions are counted where one is made.
-- Locks: event_subscriptions while the index is built; a second for a hundred thousand rows.

-- Up Migration

create index event_subscriptions_ordered_idx on event_subscriptions (company_id)
  where ordering <> 'none' and status <> 'deleted';
