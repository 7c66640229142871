-- Rules by which a link chooses another destination: a JSON list in their order; null: none.
alter table links add column rules text collate "C";
-- Where a link leads that has expired or is used up; null: where its domain says.
alter table links add column expired_url text collate "C";
alter table links add column hide_referrer bigint not null default 0;
alter table links add column gtm_container_id text collate "C";
alter table links add column skip_social_crawler_tracking bigint not null default 0;
-- Where expired links of the domain lead; empty: nowhere.
alter table domains add column expired_redirect text collate "C" not null default '';
