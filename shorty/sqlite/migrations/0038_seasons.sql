-- contracts: needs 38
-- Sums of eight weeks, of owners that have any of weeks; what they were made of stays. A release that
-- does not know them would change days beneath them.
create table click_seasons (
  owner integer not null,
  day integer not null,                      -- the Monday (UTC) it begins with
  is_due integer not null,                   -- as of weeks
  clicks integer not null default 0,
  visitors integer not null default 0,
  bots integer not null default 0,
  scans integer not null default 0,
  bio_clicks integer not null default 0,
  persons blob,
  programs blob,
  primary key (owner, day)
);
create index click_seasons_due on click_seasons (day) where is_due = 1;

-- From 1970-01-05 on, eight weeks each, in milliseconds.
insert into click_seasons (owner, day, is_due)
select distinct owner, (day - 345600000) / 4838400000 * 4838400000 + 345600000, 1 from click_weeks;
