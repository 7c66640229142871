-- The process that recalculates the sums of a day now: of several, the one that began last.
create table recounts (
  day integer primary key,
  token text not null
);
