create table qr_logos (                      -- what stands in the middle of QR codes
  id integer primary key,
  workspace_id integer not null references workspaces (id),
  name text not null,
  png blob not null,                         -- drawn anew from what was uploaded, which is not kept
  width integer not null,
  height integer not null,
  created_at integer not null
);
create index qr_logos_of_workspace on qr_logos (workspace_id, id);
