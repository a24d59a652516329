-- 0001_spine: the way of an event, in its final shape.
--
-- Keys: company_id leads every primary key, unique constraint and index of a company's table, so one company's rows lie
-- together and the same schema can be sharded by company. Large tables have one partition level, by month of their UUIDv7.
-- Roles: neither owns a table. daybook_api sees one company per transaction (`set local app.company_id`), or nothing.
-- daybook_engine (publish commit, router, dispatcher, maintenance) sees all; its statements carry company_id themselves.
-- Locks: creates tables only; nothing to wait for on an empty database.

-- Up Migration

do $$
declare
  wanted text;
begin
  foreach wanted in array array['daybook_api', 'daybook_engine'] loop
    begin
      execute format('create role %I nologin', wanted);
    exception when duplicate_object or unique_violation then
      null; -- roles belong to the whole server; another database may have made them
    end;
    if not pg_has_role(current_user, wanted, 'member') then
      execute format('grant %I to current_user', wanted);
    end if;
  end loop;
end $$;

-- Global tables -------------------------------------------------------------------------------------------------------

create table companies (
  id uuid constraint companies_pkey primary key,
  name text not null constraint companies_name_length check (char_length(name) between 1 and 200),
  settings jsonb not null default '{}',
  created_at timestamptz not null default now()
);

-- One row per leader role. The fence grows with every change of holder; a leader's transaction locks its row for share
-- and goes on only while holder and fence are its own.
create table leases (
  name text constraint leases_pkey primary key,
  holder uuid not null,
  fence bigint not null,
  expires_at timestamptz not null
);

-- The log -------------------------------------------------------------------------------------------------------------

-- One hot row per company: its last position and the version of its subscriptions. Only the router and administrative
-- changes write it, always before any other row of the company.
create table company_heads (
  company_id uuid constraint company_heads_pkey primary key,
  last_position bigint not null default 0,
  subscription_version bigint not null default 0
);

create table event_logs (
  company_id uuid not null,
  id uuid not null,
  event_name text not null,
  definition_version integer, -- null: published undeclared
  entity_type text,
  entity_id text,
  related jsonb, -- [{type, id}], at most 16
  actor_type text,
  actor_id text,
  actor_name text,
  source text,
  correlation_id text,
  causation_id text,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  payload text not null, -- the publisher's bytes; never derived, never rewritten
  payload_salt bytea not null,
  digest bytea not null, -- the leaf: sha-256(0x00, header digest, payload digest)
  content_digest bytea not null, -- what the publisher sent; tells a repeat from a conflict
  constraint event_logs_pkey primary key (company_id, id)
) partition by range (id);

-- Accepted and not yet numbered. The order of seq is the order of positions.
create sequence event_outbox_seq as bigint cache 1;
create table event_outbox (
  company_id uuid not null,
  seq bigint not null default nextval('event_outbox_seq'),
  event_id uuid not null,
  constraint event_outbox_pkey primary key (company_id, seq)
);
create index event_outbox_seq_idx on event_outbox (seq);
alter table event_outbox alter column company_id set statistics 0, alter column seq set statistics 0;

create table publish_keys (
  company_id uuid not null,
  key text not null,
  event_id uuid not null,
  content_digest bytea not null,
  recorded_at timestamptz not null,
  expires_at timestamptz not null,
  constraint publish_keys_pkey primary key (company_id, key)
);
create index publish_keys_expires_at_idx on publish_keys (company_id, expires_at);

-- Who did what to which entity, one row per position. Outlives the payload.
create table event_audit_trail (
  company_id uuid not null,
  position bigint not null,
  event_id uuid not null,
  event_name text not null,
  entity_type text,
  entity_id text,
  actor_type text,
  actor_id text,
  source text,
  correlation_id text,
  recorded_at timestamptz not null,
  digest bytea not null,
  constraint event_audit_trail_pkey primary key (company_id, position)
);
create unique index event_audit_trail_event_id_idx on event_audit_trail (company_id, event_id);
create index event_audit_trail_event_name_idx on event_audit_trail (company_id, event_name, position);
create index event_audit_trail_recorded_at_idx on event_audit_trail (company_id, recorded_at);
create index event_audit_trail_actor_idx on event_audit_trail (company_id, actor_type, actor_id, position)
  where actor_id is not null;
create index event_audit_trail_correlation_id_idx on event_audit_trail (company_id, correlation_id, position)
  where correlation_id is not null;

-- Every entity an event is about or names as related.
create table event_entities (
  company_id uuid not null,
  entity_type text not null,
  entity_id text not null,
  position bigint not null,
  event_id uuid not null,
  is_related boolean not null,
  constraint event_entities_pkey primary key (company_id, entity_type, entity_id, position)
);

-- Subscriptions -------------------------------------------------------------------------------------------------------

create table event_subscriptions (
  company_id uuid not null,
  id uuid not null,
  version bigint not null, -- the newest of its event_subscription_versions
  webhook_url text not null,
  event_names text[] not null,
  description text,
  status text not null constraint event_subscriptions_status_known
    check (status in ('active', 'inactive', 'disabled', 'deleted')), -- deleted rows stay: deliveries and logs name them
  disabled_reason text,
  concurrency integer not null,
  timeout_ms integer not null,
  held_from_position bigint, -- first position that was not fanned out to it; null while active
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint event_subscriptions_pkey primary key (company_id, id),
  constraint event_subscriptions_reason_when_disabled check ((status = 'disabled') = (disabled_reason is not null)),
  constraint event_subscriptions_held_when_not_active check (status = 'active' or held_from_position is not null)
);

-- Immutable. Routing reads these, so an event's routing can be explained and continued for ever: a subscription's state
-- for company version v is its row with the greatest version not above v.
create table event_subscription_versions (
  company_id uuid not null,
  version bigint not null,
  subscription_id uuid not null,
  webhook_url text not null,
  event_names text[] not null,
  status text not null constraint event_subscription_versions_status_known
    check (status in ('active', 'inactive', 'disabled', 'deleted')),
  concurrency integer not null,
  timeout_ms integer not null,
  created_at timestamptz not null default now(),
  constraint event_subscription_versions_pkey primary key (company_id, version, subscription_id)
);
create index event_subscription_versions_subscription_idx
  on event_subscription_versions (company_id, subscription_id, version);

create table subscription_secrets (
  company_id uuid not null,
  subscription_id uuid not null,
  id uuid not null,
  secret text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz, -- null: the current one
  constraint subscription_secrets_pkey primary key (company_id, subscription_id, id)
);

-- What deliveries tell of a subscription. Its row is the lock under which deliveries of the subscription are leased.
create table subscription_health (
  company_id uuid not null,
  subscription_id uuid not null,
  failures_in_row integer not null default 0,
  last_success_at timestamptz,
  last_failure_at timestamptz,
  disable_due text constraint subscription_health_disable_due_known check (disable_due in ('failures_in_row', 'gone')),
  constraint subscription_health_pkey primary key (company_id, subscription_id)
) with (fillfactor = 50);

-- Deliveries ----------------------------------------------------------------------------------------------------------

-- Unfinished deliveries only. The id is made from subscription, event and replay (UUIDv8), so the primary key is the
-- promise that an event is owed once. lease_token set: somebody attempts it until due_at; not set: due at due_at.
create table webhook_deliveries (
  company_id uuid not null,
  id uuid not null,
  subscription_id uuid not null,
  event_id uuid not null,
  position bigint not null,
  replay_id uuid,
  attempts integer not null default 0, -- begun, the present one included
  first_attempt_no integer not null default 1, -- where the present retry schedule began (a manual retry begins anew)
  due_at timestamptz not null,
  lease_token uuid,
  created_at timestamptz not null default now(),
  constraint webhook_deliveries_pkey primary key (company_id, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
-- The planner must not believe what it saw at the last analyze: companies come and go in minutes, and one that it did not
-- see has no rows in its eyes. Without statistics it assumes an average, and takes the most selective index. And without
-- company_id in these two, single deliveries are reached by the primary key alone.
alter table webhook_deliveries
  alter column company_id set statistics 0,
  alter column id set statistics 0,
  alter column subscription_id set statistics 0,
  alter column due_at set statistics 0,
  alter column lease_token set statistics 0;
create index webhook_deliveries_due_idx on webhook_deliveries (subscription_id, due_at);
create index webhook_deliveries_leased_idx on webhook_deliveries (subscription_id, due_at)
  where lease_token is not null;

-- The ledger: one row per attempt or ending, so a delivery's state is its last row.
create table webhook_logs (
  company_id uuid not null,
  id uuid not null,
  delivery_id uuid not null,
  subscription_id uuid not null,
  event_id uuid not null,
  event_name text not null,
  position bigint not null,
  replay_id uuid,
  attempt_no integer not null, -- 0: ended without an attempt
  outcome text not null constraint webhook_logs_outcome_known
    check (outcome in ('delivered', 'will_retry', 'failed', 'cancelled', 'unknown')),
  reason text not null, -- stable class: http_200, http_503, timeout, subscription_deleted, ...
  detail text,
  webhook_url text not null,
  request_headers text, -- JSON [[name, value], ...]
  response_status integer,
  response_headers text, -- JSON [[name, value], ...]
  response_body bytea, -- raw, the first 16 KiB
  response_truncated boolean not null default false,
  dns_ms real,
  connect_ms real,
  first_byte_ms real,
  total_ms real,
  started_at timestamptz not null,
  next_attempt_at timestamptz,
  created_at timestamptz not null default now(),
  constraint webhook_logs_pkey primary key (company_id, id)
) partition by range (id);
create index webhook_logs_delivery_idx on webhook_logs (company_id, delivery_id, id);
create index webhook_logs_subscription_idx on webhook_logs (company_id, subscription_id, id);
create index webhook_logs_event_idx on webhook_logs (company_id, event_id);
create index webhook_logs_trouble_idx on webhook_logs (company_id, outcome, id) where outcome <> 'delivered';

-- A fan-out too large for one transaction: continued from the cursor, over the subscriptions as they were at `version`.
create table fan_outs (
  company_id uuid not null,
  position bigint not null,
  event_id uuid not null,
  version bigint not null,
  after_subscription_id uuid not null,
  constraint fan_outs_pkey primary key (company_id, position)
);

-- Keys ----------------------------------------------------------------------------------------------------------------

create table api_keys (
  company_id uuid not null,
  id uuid not null,
  name text not null constraint api_keys_name_length check (char_length(name) between 1 and 200),
  key_digest bytea not null, -- sha-256 of a high-entropy key; the key itself is nowhere
  hint text not null, -- first and last characters, for people
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  constraint api_keys_pkey primary key (company_id, id)
);
create index api_keys_key_digest_idx on api_keys (key_digest);

-- Walls ---------------------------------------------------------------------------------------------------------------

-- An absent or empty setting is no company: the comparison is null and no row passes.
do $$
declare
  t text;
begin
  foreach t in array array['company_heads', 'event_logs', 'event_outbox', 'publish_keys', 'event_audit_trail',
    'event_entities', 'event_subscriptions', 'event_subscription_versions', 'subscription_secrets',
    'subscription_health', 'webhook_deliveries', 'webhook_logs', 'fan_outs', 'api_keys'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$create policy %I on %I for all to daybook_api
      using (company_id = nullif(current_setting('app.company_id', true), '')::uuid)
      with check (company_id = nullif(current_setting('app.company_id', true), '')::uuid)$p$, t || '_company', t);
    execute format('create policy %I on %I for all to daybook_engine using (true) with check (true)', t || '_engine', t);
  end loop;
end $$;

alter table companies enable row level security;
alter table companies force row level security;
create policy companies_company on companies for all to daybook_api
  using (id = nullif(current_setting('app.company_id', true), '')::uuid);
create policy companies_engine on companies for all to daybook_engine using (true) with check (true);

grant usage on schema public to daybook_api, daybook_engine;

-- No role may change or delete what was recorded: the log, the trail, the entity index, the ledger and the versions.
grant select, insert on event_logs, event_audit_trail, event_entities, webhook_logs, event_subscription_versions
  to daybook_engine;
grant select, insert, delete on event_outbox, publish_keys, fan_outs to daybook_engine;
grant update on fan_outs to daybook_engine;
grant select, insert, update, delete on company_heads, event_subscriptions, subscription_secrets, subscription_health,
  webhook_deliveries, companies, leases, api_keys to daybook_engine;

grant select on companies, event_audit_trail, event_entities, event_outbox, publish_keys, fan_outs to daybook_api;
grant select, insert on event_logs, webhook_logs, event_subscription_versions to daybook_api;
grant insert on event_outbox, publish_keys to daybook_api;
grant select, update on company_heads to daybook_api;
grant select, insert, update, delete on event_subscriptions, subscription_secrets, subscription_health,
  webhook_deliveries, api_keys to daybook_api;
grant usage on sequence event_outbox_seq to daybook_api, daybook_engine;
