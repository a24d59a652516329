-- 0008_subscriptions: what a subscription wishes beyond names: filter, headers, format, order, schedule, credentials.
-- Locks: event_subscriptions, its versions and company_heads for an instant; the new columns need no rewrite. The heads
-- are then counted once.

-- Up Migration

alter table event_subscriptions
  add column filter text, -- JSON; null: every event of these names
  add column custom_headers text, -- JSON {name: value}; null: none
  add column format text not null default 'daybook'
    constraint event_subscriptions_format_known check (format in ('daybook', 'cloudevents')),
  add column ordering text not null default 'none'
    constraint event_subscriptions_ordering_known check (ordering in ('none', 'entity', 'subscription')),
  add column retry_schedule integer[], -- seconds before each further attempt; null: the operator's
  add column signature text not null default 'hmac'
    constraint event_subscriptions_signature_known check (signature in ('hmac', 'ed25519')),
  add column public_key text, -- of the current secret, where it signs with Ed25519
  add column credential_id uuid, -- its row of subscription_credentials; null: nothing but signatures
  add column credential_facts text; -- JSON of what may be shown of it

-- What routing and calls read. `after_position`: the version is in force for the positions above it.
alter table event_subscription_versions
  add column filter text,
  add column custom_headers text,
  add column format text not null default 'daybook',
  add column ordering text not null default 'none',
  add column retry_schedule integer[],
  add column credential_id uuid,
  add column after_position bigint not null default 0;

-- How a call shows the endpoint who calls: sealed JSON (docs/adr/0010).
create table subscription_credentials (
  company_id uuid not null,
  subscription_id uuid not null,
  id uuid not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  constraint subscription_credentials_pkey primary key (company_id, subscription_id, id)
);
alter table subscription_credentials enable row level security;
alter table subscription_credentials force row level security;
create policy subscription_credentials_company on subscription_credentials for all to daybook_api
  using (company_id = nullif(current_setting('app.company_id', true), '')::uuid)
  with check (company_id = nullif(current_setting('app.company_id', true), '')::uuid);
create policy subscription_credentials_engine on subscription_credentials for all to daybook_engine
  using (true) with check (true);
grant select, insert, update, delete on subscription_credentials to daybook_api, daybook_engine;

-- So that creating one needs no count over all.
alter table company_heads add column subscriptions integer not null default 0;
update company_heads h
   set subscriptions = (
     select count(*) from event_subscriptions s where s.company_id = h.company_id and s.status <> 'deleted');
