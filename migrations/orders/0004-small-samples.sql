-- As in messaging/0009-small-samples: these grow, and are found by their indexes whatever their values are.
select sample_few_rows('orders'), sample_few_rows('idempotency_keys');
