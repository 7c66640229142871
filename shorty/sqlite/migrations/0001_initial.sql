create table users (
  id integer primary key,
  email text not null unique,                -- lower case
  name text not null,
  password_hash text,                        -- argon2id; null: cannot sign in yet
  created_at integer not null
);

create table workspaces (
  id integer primary key,
  name text not null,
  plan text not null,                        -- a name in [plans]
  created_at integer not null
);

create table members (
  workspace_id integer not null references workspaces (id),
  user_id integer not null references users (id),
  role text not null,                        -- owner, admin, editor, viewer
  created_at integer not null,
  primary key (workspace_id, user_id)
);

create table tokens (
  id integer primary key,
  digest text not null unique,               -- SHA-256 of the token, hex
  hint text not null,                        -- its first characters, to tell it apart
  workspace_id integer not null references workspaces (id),
  user_id integer not null references users (id),
  name text not null,
  scope text not null,                       -- read, write, admin
  created_at integer not null,
  expires_at integer,
  last_used_at integer,
  revoked_at integer
);
create index tokens_of_workspace on tokens (workspace_id, id);

create table quotas (                        -- what is used of a plan's numbers
  workspace_id integer not null references workspaces (id),
  quota text not null,                       -- links, links_per_month, …
  period text not null,                      -- '' for what exists, '2026-11' for a month (UTC)
  used integer not null,
  primary key (workspace_id, quota, period)
);

create table domains (
  id integer primary key,
  host text not null,                        -- lower case, punycode, a port only where it matters
  scheme text not null,
  workspace_id integer references workspaces (id),   -- null: the operator's, serves every workspace
  source text not null,                      -- builtin, config, cli, api
  position integer not null default 0,       -- the operator's first is the default domain
  root_redirect text not null default '',
  not_found_redirect text not null default '',
  verification_token text not null default '',
  verified_at integer,
  created_at integer not null,
  removed_at integer
);
-- One answers for a host; any number may claim it. Removed rows stay: named again, they come back
-- with their links.
create unique index domains_answering on domains (host) where verified_at is not null and removed_at is null;
create unique index domains_of_operator on domains (host) where workspace_id is null;
create unique index domains_of_workspace on domains (workspace_id, host);

create table links (
  id integer primary key,
  workspace_id integer not null references workspaces (id),
  domain_id integer not null references domains (id),
  slug text not null,                        -- NFC, as it is shown
  slug_key text not null,                    -- NFC without U+FE0F, as it is looked up
  link_type text not null,                   -- URL, MAILTO, TEL, SMS
  original_url text not null,                -- as it was given
  url text not null,                         -- as browsers read it, UTM parameters applied
  url_hash integer not null,                 -- 64 bits of url, for find-or-create
  status integer not null,                   -- 301, 302, 307, 308
  title text,
  description text,
  image text,
  cloaked integer not null default 0,
  forward_parameters integer not null default 0,
  block_bots integer not null default 0,
  is_active integer not null default 1,
  is_starred integer not null default 0,
  is_admin_blocked integer not null default 0,
  password_hash text,
  is_password_asked integer not null default 0,
  expires_at integer,
  max_clicks integer,
  utm_source text,
  utm_medium text,
  utm_campaign text,
  utm_term text,
  utm_content text,
  utm_id text,
  meta_pixel_id text,
  google_tag_id text,
  webhook_urls text not null default '',     -- comma-separated
  is_link_in_bio integer not null default 0,
  button_label text,
  is_public integer not null default 0,
  qr_settings text,                          -- JSON; null: no code
  made_through text not null default 'link', -- link, qr, import: made elsewhere and earlier
  favicon_url text not null default '',
  edit_count integer not null default 0,
  created_by integer references users (id),  -- null: a public link
  created_at integer not null,
  updated_at integer not null,
  deleted_at integer
);
create unique index links_live on links (domain_id, slug_key) where deleted_at is null;
create index links_newest on links (workspace_id, created_at, id, is_active) where deleted_at is null;
create index links_of_domain on links (workspace_id, domain_id, created_at, id, is_active) where deleted_at is null;
create index links_inactive on links (workspace_id, created_at, id, domain_id) where deleted_at is null and is_active = 0;
create index links_of_codes_and_pages on links (workspace_id, created_at, id, made_through)
  where deleted_at is null and (made_through = 'qr' or is_link_in_bio = 1);
create index links_imported on links (workspace_id) where deleted_at is null and made_through = 'import';
create index links_same_url on links (url_hash, workspace_id) where deleted_at is null;
create index links_public on links (expires_at) where deleted_at is null and is_public = 1;

create table tags (
  id integer primary key,
  workspace_id integer not null references workspaces (id),
  name text not null,
  name_key text not null,                    -- case folded
  color text not null,
  created_at integer not null,
  unique (workspace_id, name_key)
);

create table link_tags (
  link_id integer not null references links (id),
  tag_id integer not null references tags (id),
  position integer not null,
  primary key (link_id, tag_id)
);
create index link_tags_of_tag on link_tags (tag_id, link_id);

create table link_counters (                 -- apart from links: rewritten with every batch of clicks
  link_id integer primary key references links (id),
  workspace_id integer not null,
  clicks integer not null default 0,         -- by the link itself, persons only
  scans integer not null default 0,
  bio_clicks integer not null default 0,
  bots integer not null default 0,
  total integer not null default 0,          -- clicks + scans + bio_clicks
  last_click_at integer,
  is_live integer not null default 1         -- 0: the link is deleted, its numbers stay
);
create index link_counters_most on link_counters (workspace_id, total, link_id) where is_live = 1;

create table clicks (                        -- no index by link: each click would touch a page of it
  id integer primary key,
  link_id integer not null,
  at integer not null,
  visitor integer not null,                  -- 0: not told apart
  kind integer not null,                     -- 1 person, 2 bot, 3 prefetch
  source integer not null,                   -- 0 link, 1 qr, 2 bio
  country text,
  referrer text,
  browser text,
  os text,
  device text,
  utm text                                   -- JSON array of five, or null
);

create table journal_state (                 -- one row: how far the journal has been stored
  id integer primary key check (id = 1),
  journal_id text not null,
  segment integer not null,
  position integer not null,
  stored_batches integer not null            -- of this journal; each is stored once
);

create table idempotency_keys (
  token_id integer not null,
  key text not null,
  request_digest text not null,
  status integer not null,
  body blob not null,
  location text not null,                    -- the header; empty: none
  created_at integer not null,
  primary key (token_id, key)
);
create index idempotency_keys_old on idempotency_keys (created_at);

create table server_state (
  name text primary key,
  value text not null
);

-- sqlite: what `storage/search.py` asks. Contentless, for the text stands in `links` already.
create virtual table links_search using fts5 (
  text, content = '', tokenize = 'trigram', detail = none, columnsize = 0
);
create virtual table links_search_terms using fts5vocab ('links_search', 'instance');
-- end
