-- No order is debited twice, whatever the code above does; and the audit walks orders, payments and debits side by
-- side in order of their ids. Order ids rise with time, so the index grows at its right edge.
create unique index ledger_entries_by_order on ledger_entries (order_id) where order_id is not null;
