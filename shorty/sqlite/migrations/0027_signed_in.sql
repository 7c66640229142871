-- Whether a person has ever signed in to the dashboard. Sessions are deleted, so they cannot tell.
alter table users add column has_signed_in integer not null default 0;
-- Of those who could sign in until now, nothing is recorded: they count as having done so.
update users set has_signed_in = 1 where password_hash is not null;
