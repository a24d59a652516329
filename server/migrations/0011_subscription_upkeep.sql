-- 0011_subscription_upkeep: which credentials are left from before, when a breaker opened, and from which position on
-- versions from before 0008 were in force.
-- Locks: subscription_credentials and subscription_health for an instant, event_subscription_versions for one pass.

-- Up Migration

-- Replaced credentials stay for the calls that are under way (webhooks/subscription-credentials.ts).
alter table subscription_credentials add column superseded_at timestamptz; -- null: in force
update subscription_credentials c
   set superseded_at = now()
 where not exists (
   select 1 from event_subscriptions s
    where s.company_id = c.company_id and s.id = c.subscription_id and s.credential_id = c.id);
create index subscription_credentials_superseded_idx on subscription_credentials (company_id, superseded_at)
  where superseded_at is not null;
create index subscription_secrets_expires_idx on subscription_secrets (company_id, expires_at)
  where expires_at is not null;

-- Of deleted subscriptions neither is needed any more.
delete from subscription_credentials c
 using event_subscriptions s
 where s.company_id = c.company_id and s.id = c.subscription_id and s.status = 'deleted';
delete from subscription_secrets c
 using event_subscriptions s
 where s.company_id = c.company_id and s.id = c.subscription_id and s.status = 'deleted';

alter table subscription_health
  add column breaker_opened_at timestamptz; -- the last time; null: it never did, or before this column

-- The nth version of a subscription was told of by its nth event, and every version by one. Between the change and the
-- position of its event lie at most the events that were in the outbox at that moment. Where the event itself is still
-- there, the change lies behind all positions.
with numbered as (
  select company_id, version, subscription_id, after_position, created_at,
         row_number() over (partition by company_id, subscription_id order by version) as n
    from event_subscription_versions
), told as (
  select company_id, entity_id, position,
         row_number() over (partition by company_id, entity_id order by position) as n
    from event_audit_trail
   where entity_type = 'subscription'
     and event_name in ('daybook.subscription.created', 'daybook.subscription.updated', 'daybook.subscription.enabled',
                        'daybook.subscription.disabled', 'daybook.subscription.deleted',
                        'daybook.subscription.secret_rotated')
)
update event_subscription_versions v
   set after_position = coalesce(told.position - 1, h.last_position)
  from numbered
  join company_heads h on h.company_id = numbered.company_id
  left join told on told.company_id = numbered.company_id and told.entity_id = numbered.subscription_id::text
           and told.n = numbered.n
 where v.company_id = numbered.company_id and v.version = numbered.version
   and v.subscription_id = numbered.subscription_id and v.after_position = 0
   and v.created_at < (select run_on from migrations where name = '0008_subscriptions');
