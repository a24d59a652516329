-- 0018_retention: how long payloads and the ledger are kept, and how far their ending has come (docs/adr/0020).
--
-- Locks: creates tables; nothing to wait for.

-- Up Migration

-- What a company wants. No row: everything is kept for ever. A slice that ends something locks the row for share.
create table retention_settings (
  company_id uuid constraint retention_settings_pkey primary key,
  payload_days integer constraint retention_settings_payload_days check (payload_days >= 31), -- null: for ever
  ledger_days integer constraint retention_settings_ledger_days check (ledger_days >= 31), -- null: for ever
  rules jsonb not null default '[]', -- [{event_name, payload_days}]: a name or a prefix with a star
  updated_at timestamptz not null default now()
);

-- Payloads of this name up to this position are gone, or stand in retention_waiting.
create table retention_progress (
  company_id uuid not null,
  event_name text not null,
  position bigint not null,
  constraint retention_progress_pkey primary key (company_id, event_name)
);

-- Events that something still needed when the time of their payload was over. They are looked at again and again.
create table retention_waiting (
  company_id uuid not null,
  position bigint not null,
  event_id uuid not null,
  event_name text not null,
  recorded_at timestamptz not null,
  constraint retention_waiting_pkey primary key (company_id, position)
);

create table ledger_retention (
  company_id uuid constraint ledger_retention_pkey primary key,
  ended_before timestamptz not null, -- rows of the ledger from before may be gone; midnight in UTC, never moved back
  after_id uuid not null -- of these, rows up to this id are gone, or belong to a delivery that was pending
);

do $$
declare
  t text;
begin
  foreach t in array array['retention_settings', 'retention_progress', 'retention_waiting', 'ledger_retention'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$create policy %I on %I for all to daybook_api
      using (company_id = nullif(current_setting('app.company_id', true), '')::uuid)
      with check (company_id = nullif(current_setting('app.company_id', true), '')::uuid)$p$, t || '_company', t);
    execute format('create policy %I on %I for all to daybook_engine using (true) with check (true)', t || '_engine', t);
  end loop;
end $$;

-- What ends rows of the log and of the ledger is the owner of the tables: still neither role may delete there.
grant select, insert, update on retention_settings to daybook_api;
grant select on retention_progress, retention_waiting, ledger_retention to daybook_api;
grant select on retention_settings, retention_progress, retention_waiting, ledger_retention to daybook_engine;
