-- Fails a statement that finds itself beaten by another transaction, so that its transaction is run again from its start.
-- In SQL, since a statement that needs no answer saves a round trip.
create function race_lost(what text) returns void language plpgsql as $$
begin
  raise exception using errcode = 'serialization_failure', message = what;
end
$$;
