-- New links are indexed for searches a little later, many at once: those up to this id are.
create table search_mark (
  id integer primary key check (id = 1),
  indexed_until integer not null
);
insert into search_mark (id, indexed_until) select 1, coalesce(max(id), 0) from links;
