-- 0007_jobs: long work that people start, worked on in slices by one leader (webhooks/jobs).
--
-- Locks: creates a table; nothing to wait for.

-- Up Migration

create table jobs (
  company_id uuid not null,
  id uuid not null,
  kind text not null, -- retry_deliveries, cancel_deliveries, ...
  parameters jsonb not null,
  state text not null constraint jobs_state_known
    check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  total bigint not null, -- counted when it was started
  done bigint not null default 0,
  skipped jsonb not null default '{}', -- {reason: number}
  failed bigint not null default 0,
  cursor text, -- where the next slice begins; the kind's own
  errors integer not null default 0, -- slices in a row that threw
  last_error text, -- for people; holds no data of an event
  author jsonb not null, -- {type, id, name?}
  due_at timestamptz not null default now(), -- no slice before
  created_at timestamptz not null default now(),
  started_at timestamptz, -- its first slice
  finished_at timestamptz,
  constraint jobs_pkey primary key (company_id, id),
  constraint jobs_finished_when_ended check ((state in ('queued', 'running')) = (finished_at is null))
);
create index jobs_open_idx on jobs (company_id, id) where state in ('queued', 'running');

alter table jobs enable row level security;
alter table jobs force row level security;
create policy jobs_company on jobs for all to daybook_api
  using (company_id = nullif(current_setting('app.company_id', true), '')::uuid)
  with check (company_id = nullif(current_setting('app.company_id', true), '')::uuid);
create policy jobs_engine on jobs for all to daybook_engine using (true) with check (true);

grant select, insert, update on jobs to daybook_api, daybook_engine;
