-- What proves an e-mail address; tokens that stay expired. Addresses get their one spelling (storage/fills.py).

alter table users add column email_verified_at integer;   -- null: nothing proves who reads it

alter table tokens add column ended_at integer;           -- once it was seen to have expired
create index tokens_ending on tokens (expires_at)
  where expires_at is not null and ended_at is null and revoked_at is null;
