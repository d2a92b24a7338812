-- What the audit has seen, and whose turn it is. It lies here because orders define what there is to compare.
create table integrity_audit (
  is_only     boolean     primary key default true check (is_only),
  -- Raised each time a turn is taken: what an earlier turn reports after that is refused.
  turn        bigint      not null,
  taken_until timestamptz not null,
  progress    json
);
