-- 0005_set_aside: outbox rows that cannot be routed leave the outbox and are kept here with the reason.
--
-- Locks: creates a table; nothing to wait for.

-- Up Migration

create table events_set_aside (
  company_id uuid not null,
  seq bigint not null, -- what it had in the outbox
  event_id uuid not null,
  reason text not null, -- stable class: payload_gone, payload_altered, company_gone, not_routable
  detail text, -- for people; holds no data of the event
  set_aside_at timestamptz not null default now(),
  constraint events_set_aside_pkey primary key (company_id, seq)
);
create index events_set_aside_event_idx on events_set_aside (company_id, event_id);

alter table events_set_aside enable row level security;
alter table events_set_aside force row level security;
create policy events_set_aside_company on events_set_aside for all to daybook_api
  using (company_id = nullif(current_setting('app.company_id', true), '')::uuid)
  with check (company_id = nullif(current_setting('app.company_id', true), '')::uuid);
create policy events_set_aside_engine on events_set_aside for all to daybook_engine using (true) with check (true);

grant select, insert, delete on events_set_aside to daybook_engine;
grant select on events_set_aside to daybook_api;
