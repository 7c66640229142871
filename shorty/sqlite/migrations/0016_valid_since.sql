-- When a link begins to answer; null: at once.
alter table links add column valid_since integer;
