-- The process that recalculates the sums of a day now: of several, the one that began last.
create table recounts (
  day bigint primary key,
  token text collate "C" not null
);
