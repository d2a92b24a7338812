-- Up to when the inbox may have forgotten messages; written before they are deleted. A row that is missing and
-- older was dropped by age, one that is missing and younger was never there: an audit tells them apart by this.
create table inbox_floor (
  is_only          boolean     primary key default true check (is_only),
  forgotten_before timestamptz not null
);
