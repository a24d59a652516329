-- 0013_causation: what an event has caused.
--
-- Events name their cause; the way back needs an index. It holds only the events that name one, so the others cost nothing.
-- Locks: an index is made on each month of event_logs, and publishing waits for it: a second or so per million events there.

-- Up Migration

create index event_logs_causation_idx on event_logs (company_id, causation_id, id) where causation_id is not null;
