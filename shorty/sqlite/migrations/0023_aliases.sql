-- Further addresses at which a link answers. A slug of a domain names one live link, as its own or as
-- an alias: each write asks both tables.
create table aliases (
  id integer primary key,
  link_id integer not null references links (id),
  workspace_id integer not null,
  domain_id integer not null references domains (id),
  slug text not null,                        -- as in links, like the two keys
  slug_key text not null,
  folded_key text not null,
  position integer not null,                 -- in the link's list
  created_at integer not null,
  freed_at integer                           -- when its link was deleted; null: it answers
);
create unique index aliases_live on aliases (domain_id, slug_key) where freed_at is null;
create index aliases_folded on aliases (domain_id, folded_key) where freed_at is null;
create index aliases_of_link on aliases (link_id, position);

-- Slugs of links that had visits and answer there no more, kept from other workspaces for a while.
create table resting_slugs (
  domain_id integer not null references domains (id),
  folded_key text not null,
  workspace_id integer not null,             -- the last owner, who may use it at once
  until integer not null,
  primary key (domain_id, folded_key, workspace_id)
);
create index resting_slugs_until on resting_slugs (until);
