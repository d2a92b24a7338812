-- As in messaging/0009-small-samples: these grow, and are found by their indexes whatever their values are.
select sample_few_rows('accounts'), sample_few_rows('ledger_entries'), sample_few_rows('payments'),
       sample_few_rows('idempotency_keys');
