-- What a service may do to the engine's tables, and no more. Run it with psql after each migration, as who migrates:
--   psql --set=service=depot --set=reader=depot_reader --file=grants.sql
-- It takes back what earlier versions gave, in one transaction: safe to run again, also while the service works.
begin;
-- Two at once would fail.
select pg_advisory_xact_lock(hashtext('grants'));

revoke all on outbox, outbox_default, relay_cursor, inbox, inbox_floor, dead_letters, blocked_keys, operator_acts
  from :"service", :"reader";
grant select on outbox, outbox_default, relay_cursor, inbox, inbox_floor, dead_letters, blocked_keys, operator_acts
  to :"service", :"reader";

-- Events stay as they were appended. In a cluster that the database was restored into, the relay stamps rows anew.
grant insert, update (xid) on outbox to :"service";
grant execute on function outbox_make_day(date), outbox_drop_day(date), outbox_clean_default(timestamptz, integer)
  to :"service";
grant insert, update on relay_cursor, inbox_floor to :"service";

grant insert, delete on inbox to :"service";
grant insert, update, delete on dead_letters, blocked_keys to :"service";
-- What was done stays written.
grant insert on operator_acts to :"service";

commit;
