-- Lists by a link's state. The limit stands beside the count, so that one index knows what is used up.
alter table link_counters add column max_clicks bigint;
update link_counters set max_clicks = (select l.max_clicks from links l where l.id = link_counters.link_id)
  where link_id in (select l.id from links l where l.max_clicks is not null);
create index link_counters_used_up on link_counters (workspace_id, link_id)
  where is_live = 1 and total >= max_clicks;

-- With all that says whether a link is active, so that counting the active ones reads no rows. Of
-- several indexes that fit, SQLite takes the latest: the narrower ones are created behind this one.
drop index links_newest;
drop index links_inactive;
drop index links_starred;
drop index links_with_codes;
drop index links_of_codes_and_pages;
create index links_newest on links
  (workspace_id, created_at, id, is_active, is_admin_blocked, valid_since, expires_at, max_clicks)
  where deleted_at is null;
create index links_of_codes_and_pages on links (workspace_id, created_at, id, made_through)
  where deleted_at is null and (made_through = 'qr' or is_link_in_bio = 1);
create index links_newest_ending on links (workspace_id, created_at, id, expires_at, domain_id)
  where deleted_at is null and expires_at is not null;
create index links_ending on links (workspace_id, expires_at, domain_id)
  where deleted_at is null and expires_at is not null;
create index links_starting on links (workspace_id, valid_since, domain_id)
  where deleted_at is null and valid_since is not null;
create index links_with_codes on links (workspace_id, created_at, id, domain_id)
  where deleted_at is null and qr_settings is not null;
create index links_with_passwords on links (workspace_id, created_at, id, domain_id)
  where deleted_at is null and password_hash is not null and is_password_asked = 1;
create index links_of_bio_pages on links (workspace_id, created_at, id, domain_id)
  where deleted_at is null and is_link_in_bio = 1;
create index links_inactive on links (workspace_id, created_at, id, domain_id)
  where deleted_at is null and is_active = 0;
create index links_starred on links (workspace_id, created_at, id, domain_id)
  where deleted_at is null and is_starred = 1;
create index links_blocked on links (workspace_id, created_at, id, domain_id)
  where deleted_at is null and is_admin_blocked = 1;

-- Public links are deleted for good after their hour.
create index links_deleted_newest on links (workspace_id, created_at, id, domain_id)
  where deleted_at is not null and is_public = 0;
create index links_deleted on links (workspace_id, deleted_at, id, domain_id)
  where deleted_at is not null and is_public = 0;
