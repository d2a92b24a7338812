-- The next window of the outbox as before, but a page ends with the row that brings its payloads to page_bytes: a
-- thousand events of a megabyte each are more than a relay has memory for. `bytes` are those of the page up to its row.
-- To count them costs half a microsecond a row; to say the snapshot once instead of for each row (offset 0 holds the
-- planner to it) saves as much.
-- Relays of the version before call it without page_bytes, until they are replaced.
drop function outbox_window(xid8, xid8[], integer);

create function outbox_window(from_xmax xid8, in_progress xid8[], page_size integer, page_bytes integer default 4194304)
returns table (snapshot text, timeline text, id text, event_id uuid, aggregate_type text, aggregate_id text,
               event_type text, topic text, key text, payload text, headers text, created_at text, bytes integer)
language plpgsql stable
set enable_seqscan = off
set max_parallel_workers_per_gather = 0
set plan_cache_mode = force_generic_plan
as $$
begin
  return query
  select taken.snapshot, taken.timeline,
         page.id::text, page.event_id, page.aggregate_type, page.aggregate_id, page.event_type, page.topic, page.key,
         page.text, page.headers::text, page.created_at::text, page.bytes::integer
  from (
    select pg_current_snapshot()::text as snapshot, left(pg_walfile_name(pg_current_wal_lsn()), 8) as timeline offset 0
  ) as taken left join (
    select * from (
      select *, found.payload::text as text,
             sum(octet_length(found.payload::text)) over (order by found.id rows unbounded preceding) as bytes
      from (
        (select * from outbox as o where o.xid >= from_xmax order by o.id + 0 limit page_size)
        union all
        (select * from outbox as o where o.xid = any (in_progress) order by o.id + 0 limit page_size)
      ) as found order by found.id limit page_size
    ) as counted where counted.bytes - octet_length(counted.text) < page_bytes
  ) as page on true
  order by page.id;
end
$$;
