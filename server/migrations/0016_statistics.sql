-- 0012_statistics: what was recorded and how it was delivered, counted by minute, hour and day (docs/adr/0017).
--
-- Locks: creates tables; nothing to wait for.

-- Up Migration

-- Rows of the ledger that are not counted yet, one row here per company and batch, written with them. A kind is
-- [minute, subscription, event name, is replay, outcome, is attempt, reason]; minutes since 1970, by the ledger row's id.
create table attempt_journal (
  company_id uuid not null,
  id uuid not null,
  kinds text not null, -- a JSON array
  codes integer[], -- per row of the ledger: 256 * index of its kind + its latency's class, 0 for none; null: one of each kind
  constraint attempt_journal_pkey primary key (company_id, id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
alter table attempt_journal alter column company_id set statistics 0, alter column id set statistics 0;

-- How far a company's events are counted. The row is the lock under which its statistics are written.
create table stats_heads (
  company_id uuid constraint stats_heads_pkey primary key,
  position bigint not null default 0
) with (fillfactor = 50);

create table event_stats (
  company_id uuid not null,
  granularity text not null constraint event_stats_granularity_known check (granularity in ('minute', 'hour', 'day')),
  bucket timestamptz not null, -- where it begins, in UTC
  event_name text not null,
  events bigint not null,
  constraint event_stats_pkey primary key (company_id, granularity, bucket, event_name)
) with (fillfactor = 70);

create table delivery_stats (
  company_id uuid not null,
  granularity text not null constraint delivery_stats_granularity_known check (granularity in ('minute', 'hour', 'day')),
  scope text not null constraint delivery_stats_scope_known check (scope in ('all', 'subscription', 'event_name')),
  subject text not null, -- a subscription's id or an event name; empty for all
  is_replay boolean not null,
  bucket timestamptz not null,
  attempts bigint not null, -- calls: rows of the ledger that are not endings without one
  delivered bigint not null,
  will_retry bigint not null,
  failed bigint not null,
  cancelled bigint not null,
  unknown bigint not null,
  reasons jsonb not null, -- {"outcome reason": number}
  latencies jsonb not null, -- {class: number} of calls that were answered (lib/latency-histogram.ts)
  constraint delivery_stats_pkey primary key (company_id, granularity, scope, subject, is_replay, bucket)
) with (fillfactor = 70);
-- What is old, and all subscriptions within a time.
create index delivery_stats_bucket_idx on delivery_stats (company_id, granularity, scope, bucket);

do $$
declare
  t text;
begin
  foreach t in array array['attempt_journal', 'stats_heads', 'event_stats', 'delivery_stats'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$create policy %I on %I for all to daybook_api
      using (company_id = nullif(current_setting('app.company_id', true), '')::uuid)
      with check (company_id = nullif(current_setting('app.company_id', true), '')::uuid)$p$, t || '_company', t);
    execute format('create policy %I on %I for all to daybook_engine using (true) with check (true)', t || '_engine', t);
  end loop;
end $$;

grant insert on attempt_journal to daybook_api; -- deliveries that people cancel end in the ledger too
grant select on event_stats, delivery_stats to daybook_api;
grant select, insert, delete on attempt_journal to daybook_engine;
grant select, insert, update, delete on stats_heads, event_stats, delivery_stats to daybook_engine;
