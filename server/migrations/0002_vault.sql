-- 0002_vault: secrets are stored sealed only (docs/adr/0010).
--
-- Locks: subscription_secrets for a look over its rows, of which there are one or two per subscription.
-- Secrets that are there in clear are sealed by the next start of a server, not here: the database has no key.

-- Up Migration

-- Global: which master key this database is sealed with. One row.
create table master_key_use (
  name text constraint master_key_use_pkey primary key constraint master_key_use_one_row check (name = 'current'),
  key_id text not null,
  since timestamptz not null default now()
);

-- A company's own keys, sealed with a master key, whose id is in bytes 2 to 9.
create table company_keys (
  company_id uuid not null,
  version integer not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  constraint company_keys_pkey primary key (company_id, version)
);

alter table company_keys enable row level security;
alter table company_keys force row level security;
create policy company_keys_company on company_keys for all to daybook_api
  using (company_id = nullif(current_setting('app.company_id', true), '')::uuid)
  with check (company_id = nullif(current_setting('app.company_id', true), '')::uuid);
create policy company_keys_engine on company_keys for all to daybook_engine using (true) with check (true);

grant select, insert, update on master_key_use, company_keys to daybook_engine;
grant select on company_keys to daybook_api;

alter table subscription_secrets
  alter column secret drop not null, -- in clear, from before this migration
  add column sealed bytea,
  add constraint subscription_secrets_one_form check (num_nonnulls(secret, sealed) = 1);
