-- The links that call somebody, found without touching the others. Over `id` itself it would not be
-- used, for that is where the rows are.
create index links_with_webhooks on links ((id + 0)) where webhook_urls <> '';

create table webhook_secrets (
  id integer primary key,
  workspace_id integer not null references workspaces (id),
  secret text not null,                      -- whsec_…; in clear, since it must sign
  expires_at integer                         -- null: the one in use; set when it is replaced
);
create unique index webhook_secrets_in_use on webhook_secrets (workspace_id) where expires_at is null;
create index webhook_secrets_of_workspace on webhook_secrets (workspace_id, id);

create table webhook_receivers (             -- an address that a workspace's links call, and how it fares
  id integer primary key,
  workspace_id integer not null references workspaces (id),
  url text not null,
  host text not null,                        -- with its port
  failures integer not null default 0,       -- tries that failed one after the other
  is_quick integer not null default 0,       -- its last turn succeeded, and soon
  held_until integer,                        -- nothing is sent before, but what is urgent
  busy_until integer,                        -- a slow one's turn that is under way; ends with its leases
  paused_at integer,
  stopped_at integer,                        -- it answered 410
  next_at integer,                           -- when to look at its queue, never too late; null: it is empty
  created_at integer not null,
  unique (workspace_id, url)
);
create index webhook_receivers_waiting on webhook_receivers (host, is_quick, next_at) where next_at is not null;

create table webhook_lines (                 -- the receivers of one host that wait for their turns
  host text not null,
  is_quick integer not null,
  next_at integer not null,                  -- of its first receiver, never too late
  primary key (host, is_quick)
);
create index webhook_lines_waiting on webhook_lines (is_quick, next_at);

create table webhook_snapshots (             -- what a link was when it was clicked
  id integer primary key,
  link_id integer not null,
  link text not null                         -- JSON, as it stands in the deliveries' bodies
);
create index webhook_snapshots_of_link on webhook_snapshots (link_id, id);

create table webhook_deliveries (
  id integer primary key,
  message_id text not null,                  -- the header webhook-id of all its tries
  workspace_id integer not null,
  receiver_id integer not null,
  link_id integer,                           -- null, like the next two: a test
  snapshot_id integer,
  click_id integer,
  status integer not null,                   -- 0 queued, 1 delivered, 2 dead
  reason text,                               -- why it is dead
  attempts integer not null default 0,       -- tries that were made
  step integer not null default 0,           -- those that failed since it was queued
  due_at integer not null,                   -- 0: urgent, before all others and whatever holds its receiver
  leased_by text,                            -- the worker that sends it; due_at is the lease's end
  created_at integer not null,
  queued_at integer not null,                -- for the last time
  ended_at integer
);
create index webhook_deliveries_queued on webhook_deliveries (receiver_id, due_at) where status = 0;
create index webhook_deliveries_leased on webhook_deliveries (leased_by) where leased_by is not null;
create index webhook_deliveries_ended on webhook_deliveries (ended_at) where ended_at is not null;
create index webhook_deliveries_of_workspace on webhook_deliveries (workspace_id, status, id);
create index webhook_deliveries_of_receiver on webhook_deliveries (receiver_id, status, id);
create index webhook_deliveries_of_link on webhook_deliveries (link_id, status, id);

create table webhook_tries (
  delivery_id integer not null,
  number integer not null,                   -- from 1
  at integer not null,
  duration_ms integer not null,
  status integer,                            -- of the answer; null: there was none
  error text,
  body text not null,                        -- the start of the answer
  primary key (delivery_id, number)
);
