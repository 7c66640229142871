-- The nodes that share this database. One row each, written by the node itself once a second.
create table nodes (
  name text collate "C" primary key,
  started_at bigint not null,                -- this and seen_at: UTC milliseconds by the database's clock
  seen_at bigint not null,
  ahead_ms bigint not null,                  -- by how much the node's clock is ahead of the database's
  facts text collate "C" not null            -- JSON, of what the node says of itself
);
