-- See messaging/grants.sql.
begin;
select pg_advisory_xact_lock(hashtext('grants'));

revoke all on accounts, ledger_entries, payments, idempotency_keys from :"service", :"reader";
grant select on accounts, ledger_entries, payments, idempotency_keys to :"service", :"reader";

grant insert, update (balance_minor, updated_at) on accounts to :"service";
-- Corrected by reversing entries only.
grant insert on ledger_entries, payments to :"service";
-- Retention passes over rows that are locked, for which it must be allowed to lock them; no other column need change.
grant insert, delete, update (created_at) on idempotency_keys to :"service";

commit;
