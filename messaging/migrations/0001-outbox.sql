-- Events written in the transaction of the change they tell of. Insert-only: publishing never touches a row.
create table outbox (
  id             bigint generated always as identity (cache 1),
  xid            xid8        not null default pg_current_xact_id(),
  event_id       uuid        not null default uuidv7(),
  aggregate_type text        not null,
  aggregate_id   text        not null,
  event_type     text        not null,
  topic          text        not null,
  key            text,
  payload        json        not null,
  headers        json,
  created_at     timestamptz not null default clock_timestamp(),
  primary key (id, created_at)
) partition by range (created_at);

create index outbox_xid on outbox (xid, id);

-- Catches what no retention run prepared a partition for, so that no insert can fail for want of one.
create table outbox_default partition of outbox default;

-- One row per relay cursor. Every row visible in published_to is published, and of those that are visible in
-- window_to only, the ones up to window_after.
create table relay_cursor (
  name         text        primary key,
  published_to pg_snapshot not null,
  window_to    pg_snapshot,
  window_after bigint,
  -- The cluster whose transaction ids these are. In another one (a dump read into a new cluster) they mean
  -- nothing, and the relay publishes what is retained again.
  system_id    text,
  owner        text,
  epoch        bigint      not null default 0,
  lease_until  timestamptz not null default '-infinity',
  stored_at    timestamptz not null default now()
) with (fillfactor = 50);
