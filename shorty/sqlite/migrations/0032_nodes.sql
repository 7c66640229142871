-- The nodes that share this database. One row each, written by the node itself once a second.
create table nodes (
  name text primary key,
  started_at integer not null,               -- this and seen_at: UTC milliseconds by the database's clock
  seen_at integer not null,
  ahead_ms integer not null,                 -- by how much the node's clock is ahead of the database's
  facts text not null                        -- JSON, of what the node says of itself
) without rowid;
