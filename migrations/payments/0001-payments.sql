create table accounts (
  user_id       bigint      primary key check (user_id between 1 and 9007199254740991),
  id            uuid        not null unique,
  -- Fifteen digits are what a JSON number carries exactly, so a balance ends at 9,999,999,999,999.99.
  balance_minor bigint      not null check (balance_minor between 0 and 999999999999999),
  created_at    timestamptz not null,
  updated_at    timestamptz not null
) with (fillfactor = 50);

-- Append-only. The balance of an account is the sum of its entries. Positions are drawn under the lock of the
-- account, so within one account their order is the order in which it changed.
create table ledger_entries (
  user_id             bigint      not null references accounts,
  position            bigint      generated always as identity,
  id                  uuid        not null,
  kind                text        not null check (kind in ('opening', 'deposit', 'withdrawal', 'payment')),
  amount_minor        bigint      not null check (amount_minor <> 0),
  balance_after_minor bigint      not null check (balance_after_minor >= 0),
  order_id            uuid,
  created_at          timestamptz not null,
  check ((kind = 'payment') = (order_id is not null)),
  check ((amount_minor > 0) = (kind in ('opening', 'deposit'))),
  -- One index for both uses: paging through an account, and naming an entry.
  primary key (user_id, position)
);

-- Every decision, one per order whatever happens: the last line of defence against paying twice.
create table payments (
  order_id      uuid        primary key,
  id            uuid        not null,
  user_id       bigint      not null,
  amount_minor  bigint      not null check (amount_minor > 0),
  status        text        not null check (status in ('COMPLETED', 'DECLINED')),
  reason        text        check (reason in ('insufficient_funds', 'account_not_found')),
  task_event_id text        not null,
  created_at    timestamptz not null,
  check ((status = 'DECLINED') = (reason is not null))
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: correct it with a reversing entry', tg_table_name;
end $$;
create trigger ledger_entries_append_only before update or delete on ledger_entries
  for each statement execute function refuse_change();
create trigger payments_append_only before update or delete on payments
  for each statement execute function refuse_change();

create table idempotency_keys (
  operation    text        not null,
  key          text        not null,
  request_hash bytea       not null,
  response     json        not null,
  created_at   timestamptz not null default now(),
  primary key (operation, key)
);
create index idempotency_keys_created_at on idempotency_keys using brin (created_at);
