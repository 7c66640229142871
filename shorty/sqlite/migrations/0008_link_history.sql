create table link_edits (                    -- what was done to a link since it was made; the last 200 of each
  id integer primary key,
  link_id integer not null references links (id),
  workspace_id integer not null,
  at integer not null,
  user_id integer not null references users (id),
  kind text not null,                        -- edited, deleted, restored
  changes text not null                      -- JSON: {field: [before, after]}; of a password only that
);
create index link_edits_of_link on link_edits (link_id, id);

create table utm_templates (                 -- UTM parameters that a workspace uses again and again
  id integer primary key,
  workspace_id integer not null references workspaces (id),
  name text not null,
  name_key text not null,                    -- case folded
  utm_source text,
  utm_medium text,
  utm_campaign text,
  utm_term text,
  utm_content text,
  utm_id text,
  created_at integer not null,
  unique (workspace_id, name_key)
);

create index links_starred on links (workspace_id, created_at, id)
  where deleted_at is null and is_starred = 1;
