-- See messaging/grants.sql.
begin;
select pg_advisory_xact_lock(hashtext('grants'));

revoke all on orders, idempotency_keys, integrity_audit from :"service", :"reader";
grant select on orders, idempotency_keys, integrity_audit to :"service", :"reader";

-- Who ordered what, for how much, is never changed.
grant insert, update (status, reason, updated_at, result_event_id) on orders to :"service";
-- Retention passes over rows that are locked, for which it must be allowed to lock them; no other column need change.
grant insert, delete, update (created_at) on idempotency_keys to :"service";
grant insert, update on integrity_audit to :"service";

commit;
