-- What each consumer has handled, written in the transaction of the effect.
create table inbox (
  consumer     text        not null,
  event_id     text        not null,
  topic        text        not null,
  "partition"  integer     not null,
  "offset"     bigint      not null,
  published_at timestamptz not null,
  processed_at timestamptz not null default clock_timestamp(),
  primary key (consumer, event_id)
);

-- Rows arrive in time order, so a block range index finds the expired ones at next to no cost per insert.
create index inbox_processed_at on inbox using brin (processed_at) with (pages_per_range = 32);

-- A message that could not be handled (parked), and those of the same key that came after it (waiting).
create table dead_letters (
  id           bigint      generated always as identity primary key,
  consumer     text        not null,
  event_id     text        not null,
  topic        text        not null,
  "partition"  integer     not null,
  "offset"     bigint      not null,
  key          text,
  value        bytea,
  headers      json        not null,
  published_at timestamptz not null,
  state        text        not null check (state in ('parked', 'waiting', 'redriven', 'discarded')),
  reason       text,
  attempts     integer     not null default 0,
  created_at   timestamptz not null default now(),
  closed_at    timestamptz,
  note         text,
  unique (consumer, event_id)
);

create index dead_letters_open on dead_letters (consumer, topic, key, id) where state in ('parked', 'waiting');

-- The keys that have an open dead letter. A row of its own gives consumers and redrives one thing to lock.
create table blocked_keys (
  consumer text not null,
  topic    text not null,
  key      text not null,
  primary key (consumer, topic, key)
);
