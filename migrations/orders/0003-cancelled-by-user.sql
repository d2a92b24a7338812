-- One user's cancelled orders: without it the list met the index of the user's orders with that of all cancelled ones,
-- and read 3,433 rows where it needed 20, more with every order that anybody had cancelled.
create index orders_cancelled_by_user on orders (user_id, id) where status = 'CANCELLED';
