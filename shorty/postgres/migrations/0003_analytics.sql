alter table clicks add column city text collate "C"; -- only where the operator's data knows it

create index clicks_by_time on clicks (at);  -- clicks come in time's order: its last page is all they touch

-- Sums of a quarter of an hour, of the days that are not folded yet. Ordered by time first, so that
-- what is written together lies together.
create table click_quarters (
  at bigint not null,                        -- when it begins
  owner bigint not null,                     -- a link's id, or a workspace's with a minus
  clicks bigint not null,                    -- by persons, scans and bio_clicks among them
  visitors bigint not null,                  -- first seen in this quarter on this UTC day
  bots bigint not null,
  scans bigint not null,
  bio_clicks bigint not null,
  persons bytea,                             -- MessagePack: how many of which country, referrer …
  programs bytea,                            -- the same of bots
  primary key (at, owner)                    -- an index of its own: a search reads no values
);

-- Sums of a UTC day, folded from its quarters once it is over.
create table click_days (
  owner bigint not null,
  day bigint not null,                       -- when it begins
  clicks bigint not null,
  visitors bigint not null,
  bots bigint not null,
  scans bigint not null,
  bio_clicks bigint not null,
  series bytea not null,                     -- MessagePack: each quarter's number and five sums
  persons bytea,
  programs bytea,
  quarters bytea not null,                   -- MessagePack: each quarter's number, persons and programs
  primary key (owner, day)
);

create table day_visitors (                  -- who has been seen, until the day and the next are over
  day bigint not null,
  visitor bigint not null,
  owner bigint not null,
  primary key (day, visitor, owner)
);

create table click_removals (                -- how far single clicks have been removed, by whole UTC days
  workspace_id bigint primary key,
  begun_before bigint not null,              -- those before may be gone
  done_before bigint not null                -- those before are gone
);
