-- 0004_operations: what lets an operator follow an event over systems, and a server see whether its schema is up to date.
--
-- Locks: event_logs and its partitions for a moment; a nullable column without a default rewrites nothing.

-- Up Migration

-- The publisher's `traceparent` (W3C Trace Context). Part of no digest: it says how an event came, not what it says.
alter table event_logs add column trace_parent text;

-- Which migrations ran; the engine's role may look, and nobody but the owner may write.
grant select on migrations to daybook_engine;
