-- Imports of the dashboard, and actions on many links: any node shows and cancels them.

create table background_jobs (
  id integer primary key,                    -- in the order of their start
  job_id text not null unique,               -- random, a part of its page's path
  kind text not null,                        -- imports or links
  workspace_id integer not null references workspaces (id),
  stage text not null,                       -- of its kind
  is_running integer not null,
  is_alone integer not null,                 -- 1: only one such job of a kind runs in a workspace
  is_cancelled integer not null,
  node text not null,                        -- that runs it, or ran it last
  run integer not null,                      -- counts who took it: only the last one may go on
  restarts integer not null,                 -- how often a node was gone before it was done
  started_at integer not null,
  seen_at integer not null,                  -- when its node last said so; 0: it was given back
  work text not null,                        -- what is to be done, as JSON
  state text not null                        -- how far it is, as JSON
);
create index background_jobs_of_workspace on background_jobs (workspace_id, kind);
create index background_jobs_running on background_jobs (seen_at) where is_running = 1;
