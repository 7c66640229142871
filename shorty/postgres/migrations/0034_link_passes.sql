-- How many visits a link with a click limit has let through, exact over all nodes that share this
-- database. A link's row is made by the first visit that needs it, and then stays. SQLite's only node
-- counts in memory, and makes none.
create table link_passes (
  link_id bigint primary key references links (id),
  used bigint not null                       -- never less than what link_counters has as the total
);
