-- 0017_replay: jobs can be paused and say what they wait for; replays are listed apart.
--
-- Locks: jobs for moments; the table is small and the engine waits.

-- Up Migration

alter table jobs add column waiting_for text; -- a stable word; null while it goes on
alter table jobs drop constraint jobs_state_known;
alter table jobs drop constraint jobs_finished_when_ended;
alter table jobs add constraint jobs_state_known
  check (state in ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled'));
alter table jobs add constraint jobs_finished_when_ended
  check ((state in ('queued', 'running', 'paused')) = (finished_at is null));
drop index jobs_open_idx;
create index jobs_open_idx on jobs (company_id, id) where state in ('queued', 'running', 'paused');
create index jobs_replays_idx on jobs (company_id, id) where kind = 'replay_events';
