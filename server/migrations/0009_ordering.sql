-- 0009_ordering: deliveries that wait for an earlier one of the same order (docs/adr/0013).
--
-- Unfinished deliveries of one subscription with the same order_key are a chain. One of them may be attempted; the others
-- are blocked, which is due_at = 'infinity', and of these the one with the lowest position follows when it has ended.
-- Locks: webhook_deliveries while the index is made, over rows that have no order_key yet.

-- Up Migration

alter table webhook_deliveries
  add column order_key text collate "C"; -- '': the whole subscription; type/id of an entity; null: waits for nobody
alter table webhook_deliveries alter column order_key set statistics 0;

-- Without company_id, and without statistics of its columns: docs/adr/0005.
create index webhook_deliveries_order_idx on webhook_deliveries (subscription_id, order_key, position, id)
  where order_key is not null;
