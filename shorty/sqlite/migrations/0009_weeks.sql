-- Values of three hours each, where a day is busy: MessagePack like `quarters`. Null: there are none.
alter table click_days add column eighths blob;

-- Sums of seven days, of owners whose days hold much; what they were made of stays in `click_days`.
create table click_weeks (
  owner integer not null,
  day integer not null,                      -- the Monday (UTC) it begins with
  is_due integer not null,                   -- 1: to be summed up once it is over; the sums are not to be read
  clicks integer not null default 0,
  visitors integer not null default 0,
  bots integer not null default 0,
  scans integer not null default 0,
  bio_clicks integer not null default 0,
  persons blob,
  programs blob,
  primary key (owner, day)
);
create index click_weeks_due on click_weeks (day) where is_due = 1;
