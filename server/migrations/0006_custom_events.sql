-- 0006_custom_events: definitions of events that companies write.
--
-- Locks: company_heads for an instant (a new column with a constant default rewrites nothing); creates two tables.

-- Up Migration

-- Counted on with every change of a definition, under the head's lock. Processes compare it with what they remember.
alter table company_heads add column definition_version bigint not null default 0;

-- What a definition is today. Names compare byte by byte, as the cursor of their list does.
create table custom_events (
  company_id uuid not null,
  event_name text collate "C" not null,
  status text not null constraint custom_events_status_known
    check (status in ('draft', 'active', 'deprecated', 'archived')),
  compatibility text not null constraint custom_events_compatibility_known
    check (compatibility in ('none', 'backward', 'backward_transitive', 'forward', 'forward_transitive', 'full', 'full_transitive')),
  title text not null,
  description text not null,
  owner text,
  tags text[] not null,
  -- Versions below it belong to a definition of this name that was deleted.
  first_version integer not null,
  -- The first one that publishes were judged by, so that older drafts bind nobody; null: it was never in force.
  first_version_in_force integer,
  latest_version integer not null,
  revision bigint not null, -- the company's definition_version of its last change
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint custom_events_pkey primary key (company_id, event_name)
);

-- Immutable, and never deleted: event_logs.definition_version leads here for ever.
create table custom_event_versions (
  company_id uuid not null,
  event_name text collate "C" not null,
  version integer not null,
  schema text not null, -- JSON Schema 2020-12, byte for byte as it was given
  examples text not null, -- a JSON array
  -- What the schema's annotations say: {type, id} with a JSON pointer, lists of such, and members that are personal.
  entity jsonb,
  related jsonb not null,
  personal jsonb not null,
  created_at timestamptz not null default now(),
  created_by jsonb not null, -- {type, id, name}
  constraint custom_event_versions_pkey primary key (company_id, event_name, version)
);

do $$
declare
  t text;
begin
  foreach t in array array['custom_events', 'custom_event_versions'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$create policy %I on %I for all to daybook_api
      using (company_id = nullif(current_setting('app.company_id', true), '')::uuid)
      with check (company_id = nullif(current_setting('app.company_id', true), '')::uuid)$p$, t || '_company', t);
    execute format('create policy %I on %I for all to daybook_engine using (true) with check (true)', t || '_engine', t);
  end loop;
end $$;

grant select, insert, update, delete on custom_events to daybook_api;
grant select, insert on custom_event_versions to daybook_api;
grant select on custom_events, custom_event_versions to daybook_engine;
