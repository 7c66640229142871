-- The counts of rate limits, where several nodes share them: only on PostgreSQL, as SQLite's only node
-- counts in memory.

-- postgres: unlogged, because a restart of the server may forget them.
create unlogged table rate_limits (
  key bytea primary key,                     -- a digest of what is limited, and for whom
  until bigint not null,                     -- UTC ms: a window's end, or when a bucket is full again
  used bigint not null,                      -- the requests of a window
  is_counted bigint not null                 -- whether the last request was allowed
);
-- end
