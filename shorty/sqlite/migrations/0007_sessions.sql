-- How people get in: sessions of the dashboard, second factors, invitations, links sent by mail.

create table sessions (
  id integer primary key,
  digest text not null unique,               -- SHA-256 of the cookie's value, hex
  user_id integer not null references users (id),
  workspace_id integer not null references workspaces (id),   -- the one that is looked at
  user_agent text not null,
  created_at integer not null,
  last_used_at integer not null,
  expires_at integer not null,               -- moves along with last_used_at
  ended_at integer,
  awaits_code integer not null default 0     -- 1: the password was right, the second factor is due
);
create index sessions_of_user on sessions (user_id);
create index sessions_expiring on sessions (expires_at);
create index sessions_ended on sessions (ended_at) where ended_at is not null;

create table second_factors (
  user_id integer primary key references users (id),
  secret text not null,                      -- base32, as RFC 6238's apps take it
  last_step integer not null default 0,      -- the newest 30 seconds whose code was accepted
  confirmed_at integer,                      -- null: being set up
  created_at integer not null
);

create table recovery_codes (                -- a used one is removed
  user_id integer not null references users (id),
  digest text not null,
  primary key (user_id, digest)
);

create table invitations (                   -- an accepted or revoked one is removed
  id integer primary key,
  digest text not null unique,               -- SHA-256 of the link's key, hex
  workspace_id integer not null references workspaces (id),
  email text not null,                       -- lower case
  role text not null,
  inviter_id integer not null references users (id),
  is_mailed integer not null default 0,      -- 1: only who reads that address has the link
  created_at integer not null,
  expires_at integer not null,
  unique (workspace_id, email)
);
create index invitations_expiring on invitations (expires_at);

create table mail_links (                    -- a used one is removed
  id integer primary key,
  digest text not null unique,               -- SHA-256 of the link's key, hex
  user_id integer not null references users (id),
  purpose text not null,                     -- password, email
  email text not null,                       -- where it was sent
  created_at integer not null,
  expires_at integer not null,
  unique (user_id, purpose)
);
create index mail_links_expiring on mail_links (expires_at);
