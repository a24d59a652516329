-- 0010_webhook_tests: calls that somebody made to try an endpoint stand in the ledger, apart from deliveries.
-- Locks: webhook_logs for an instant; the new columns need no rewrite.

-- Up Migration

-- A test has no event and no position (0), and no subscription when it was a call of any URL.
alter table webhook_logs
  add column is_test boolean not null default false,
  add column request_body text, -- of a test; all others have the event's
  alter column subscription_id drop not null;
