create table orders (
  id           uuid        primary key,
  user_id      bigint      not null check (user_id between 1 and 9007199254740991),
  amount_minor bigint      not null check (amount_minor between 1 and 999999999999),
  description  text,
  status       text        not null default 'NEW'
                           check (status in ('NEW', 'PENDING_PAYMENT', 'FINISHED', 'CANCELLED')),
  reason       text        check (reason in ('insufficient_funds', 'account_not_found')),
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  -- The message that settled the order: leads the timeline to its inbox row.
  result_event_id text,
  check ((status = 'CANCELLED') = (reason is not null))
) with (fillfactor = 80);

-- Ids are UUIDv7, so id order is the order of placing: newest first reads these backwards.
create index orders_by_user on orders (user_id, id);
-- FINISHED is nearly every row and is found by the primary key; only the rare statuses need an index.
create index orders_open on orders (id) where status in ('NEW', 'PENDING_PAYMENT');
create index orders_cancelled on orders (id) where status = 'CANCELLED';

create table idempotency_keys (
  operation    text        not null,
  key          text        not null,
  request_hash bytea       not null,
  response     json        not null,
  created_at   timestamptz not null default now(),
  primary key (operation, key)
);
create index idempotency_keys_created_at on idempotency_keys using brin (created_at);
