-- Values of three hours each, where a day is busy: MessagePack like `quarters`. Null: there are none.
alter table click_days add column eighths bytea;

-- Sums of seven days, of owners whose days hold much; what they were made of stays in `click_days`.
create table click_weeks (
  owner bigint not null,
  day bigint not null,                       -- the Monday (UTC) it begins with
  is_due bigint not null,                    -- 1: to be summed up once it is over; the sums are not to be read
  clicks bigint not null default 0,
  visitors bigint not null default 0,
  bots bigint not null default 0,
  scans bigint not null default 0,
  bio_clicks bigint not null default 0,
  persons bytea,
  programs bytea,
  primary key (owner, day)
);
create index click_weeks_due on click_weeks (day) where is_due = 1;
