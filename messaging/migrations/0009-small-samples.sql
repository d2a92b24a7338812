-- ANALYZE samples 300 rows for each point of a table's highest statistics target: 30,000 as it comes, each from another
-- page, and again whenever a tenth has been added. Of a table that is no longer in memory these are 30,000 random reads,
-- for seconds all that a disk can do, and commits wait behind them. Every statement here finds its rows by an index
-- whatever the values are, so 3,000 tell it enough.
create function sample_few_rows(name regclass) returns void language plpgsql as $$
begin
  execute (
    select format('alter table %s %s', name, string_agg(format('alter %I set statistics 10', attname), ', '))
    from pg_attribute
    where attrelid = name and attnum > 0 and not attisdropped);
end $$;
revoke execute on function sample_few_rows(regclass) from public;

-- As before, with that; and a day of the outbox is not vacuumed for having grown. It has no dead rows, nobody reads it
-- by an index alone, and it is dropped long before its transaction ids are old: autovacuum would read all of it once
-- more and write all of it again.
create or replace function outbox_make_day(day date) returns boolean language plpgsql security definer as $$
declare
  partition_name text := to_char(day, '"outbox_"YYYYMMDD');
begin
  if day > (now() at time zone 'UTC')::date + 31 then
    raise exception 'days of the outbox are made a month ahead at most, and % is later', day;
  end if;
  if to_regclass(partition_name) is not null then
    return false;
  end if;
  -- Made apart and attached: "create table … partition of" would wait for every open transaction that has appended,
  -- with all later ones behind it.
  execute format('create table %I (like outbox including all excluding identity)
                  with (autovacuum_vacuum_insert_threshold = -1)', partition_name);
  perform sample_few_rows(partition_name::regclass);
  execute format('alter table outbox attach partition %I for values from (%L) to (%L)', partition_name,
                 day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
  return true;
end $$;

do $$
declare
  partition_name regclass;
begin
  execute format('alter function outbox_make_day(date) set search_path = %I, pg_temp', current_schema());
  perform sample_few_rows('inbox'), sample_few_rows('outbox');
  for partition_name in select inhrelid from pg_inherits where inhparent = 'outbox'::regclass loop
    execute format('alter table %s set (autovacuum_vacuum_insert_threshold = -1)', partition_name);
  end loop;
end $$;
