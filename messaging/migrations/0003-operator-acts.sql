-- What people did to messages: who, when, what and why. Append-only and kept for ever: it outlives the dead letters
-- it tells of, and people do few things.
create table operator_acts (
  id             bigint      generated always as identity primary key,
  at             timestamptz not null default clock_timestamp(),
  who            text        not null check (who <> ''),
  why            text        check (why <> ''),
  act            text        not null check (act in ('redrive', 'discard', 'replay')),
  -- 'done' is written in the transaction of the change. A replay has two rows, so that one cut short is seen.
  outcome        text        not null check (outcome in ('begun', 'done', 'failed')),
  dead_letter_id bigint,
  consumer       text,
  event_id       text,
  topic          text,
  key            text,
  detail         json,
  check (act <> 'discard' or why is not null),
  check ((act = 'replay') = (dead_letter_id is null))
);

create index operator_acts_letter on operator_acts (dead_letter_id) where dead_letter_id is not null;

create function refuse_rewriting_history() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: what was done stays written', tg_table_name;
end $$;
create trigger operator_acts_append_only before update or delete or truncate on operator_acts
  for each statement execute function refuse_rewriting_history();
