alter table clicks add column city text;     -- only where the operator's data knows it

create index clicks_by_time on clicks (at);  -- clicks come in time's order: its last page is all they touch

-- Sums of a quarter of an hour, of the days that are not folded yet. Ordered by time first, so that
-- what is written together lies together.
create table click_quarters (
  at integer not null,                       -- when it begins
  owner integer not null,                    -- a link's id, or a workspace's with a minus
  clicks integer not null,                   -- by persons, scans and bio_clicks among them
  visitors integer not null,                 -- first seen in this quarter on this UTC day
  bots integer not null,
  scans integer not null,
  bio_clicks integer not null,
  persons blob,                              -- MessagePack: how many of which country, referrer …
  programs blob,                             -- the same of bots
  primary key (at, owner)                    -- an index of its own: a search reads no values
);

-- Sums of a UTC day, folded from its quarters once it is over.
create table click_days (
  owner integer not null,
  day integer not null,                      -- when it begins
  clicks integer not null,
  visitors integer not null,
  bots integer not null,
  scans integer not null,
  bio_clicks integer not null,
  series blob not null,                      -- MessagePack: each quarter's number and five sums
  persons blob,
  programs blob,
  quarters blob not null,                    -- MessagePack: each quarter's number, persons and programs
  primary key (owner, day)
);

create table day_visitors (                  -- who has been seen, until the day and the next are over
  day integer not null,
  visitor integer not null,
  owner integer not null,
  primary key (day, visitor, owner)
) without rowid;

create table click_removals (                -- how far single clicks have been removed, by whole UTC days
  workspace_id integer primary key,
  begun_before integer not null,             -- those before may be gone
  done_before integer not null               -- those before are gone
);
