-- A service's role makes and drops no tables, and deletes no events. What retention needs of that these functions do
-- with the rights of their owner, and each judges for itself what may go: a day, or a row, that is over and that every
-- cursor has published. The search path is fixed, or a caller's objects could be taken for the engine's.

-- By its newest transaction, which the index knows: reading a whole day under lock would hold up everyone. That a
-- cursor's snapshot began before it does not mean that it is unpublished, but then it is dropped later.
create function outbox_is_published(partition_name text) returns boolean language plpgsql as $$
declare
  newest xid8;
begin
  execute format('select max(xid) from %I', partition_name) into newest;
  return exists (select from relay_cursor)
    and not exists (select from relay_cursor where pg_snapshot_xmin(published_to) <= newest);
end $$;

-- False where it is there already. Fails with check_violation where the default partition has rows of that day.
create function outbox_make_day(day date) returns boolean language plpgsql security definer as $$
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
  execute format('create table %I (like outbox including all excluding identity)', partition_name);
  execute format('alter table outbox attach partition %I for values from (%L) to (%L)', partition_name,
                 day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
  return true;
end $$;

-- False where it is kept, since not all of it is known to be published.
create function outbox_drop_day(day date) returns boolean language plpgsql security definer as $$
declare
  partition_name text := to_char(day, '"outbox_"YYYYMMDD');
begin
  if day >= (now() at time zone 'UTC')::date then
    raise exception 'the day % of the outbox is not over', day;
  end if;
  -- Looked at before anybody is made to wait.
  if not outbox_is_published(partition_name) then
    return false;
  end if;
  -- The parent first, as readers and writers lock them. Writers that are in the partition have to end before us, so
  -- that the second look sees all there will ever be.
  execute format('lock table only outbox, %I in access exclusive mode', partition_name);
  if not outbox_is_published(partition_name) then
    return false;
  end if;
  execute format('drop table %I', partition_name);
  return true;
end $$;

-- Rows that no day was prepared for; answers how many went, at most rows_max. By every cursor: where none is stored yet,
-- nothing counts as published.
create function outbox_clean_default(before timestamptz, rows_max integer) returns bigint
language sql security definer as $$
  with gone as (
    delete from outbox_default where ctid = any (array(
      select ctid from outbox_default o
      where created_at < least(before, now()) and exists (select from relay_cursor) and not exists (
        select from relay_cursor c where not pg_visible_in_snapshot(o.xid, c.published_to))
      limit rows_max))
    returning 1
  )
  select count(*) from gone
$$;

do $$
declare
  signature text;
begin
  foreach signature in array array['outbox_make_day(date)', 'outbox_drop_day(date)',
                                   'outbox_clean_default(timestamptz, integer)'] loop
    execute format('alter function %s set search_path = %I, pg_temp', signature, current_schema());
    execute format('revoke execute on function %s from public', signature);
  end loop;
end $$;
