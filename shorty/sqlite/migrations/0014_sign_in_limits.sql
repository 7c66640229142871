-- Limits on guessing that outlast a restart, and what makes a browser known to an account.

-- A browser is known by a signed cookie that names this number; a new number makes all unknown.
alter table users add column browsers_generation integer not null default 0;

alter table sessions add column wrong_codes integer not null default 0;   -- while awaits_code is 1

-- From browsers that the account does not know, on the day named: days since 1970, UTC.
alter table second_factors add column wrong_codes integer not null default 0;
alter table second_factors add column wrong_codes_day integer not null default 0;

-- Without the constraint unique (user_id, purpose): asking for another link to a new password, which
-- a stranger can do, no longer stops the one that its owner is about to open.
create table new_mail_links (                -- a used one is removed
  id integer primary key,
  digest text not null unique,               -- SHA-256 of the link's key, hex
  user_id integer not null references users (id),
  purpose text not null,                     -- password, email
  email text not null,                       -- where it was sent
  created_at integer not null,
  expires_at integer not null
);
insert into new_mail_links (id, digest, user_id, purpose, email, created_at, expires_at)
  select id, digest, user_id, purpose, email, created_at, expires_at from mail_links;
drop table mail_links;
alter table new_mail_links rename to mail_links;
create index mail_links_of_user on mail_links (user_id);
create index mail_links_expiring on mail_links (expires_at);
