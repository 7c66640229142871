-- Rules by which a link chooses another destination: a JSON list in their order; null: none.
alter table links add column rules text;
-- Where a link leads that has expired or is used up; null: where its domain says.
alter table links add column expired_url text;
alter table links add column hide_referrer integer not null default 0;
alter table links add column gtm_container_id text;
alter table links add column skip_social_crawler_tracking integer not null default 0;
-- Where expired links of the domain lead; empty: nowhere.
alter table domains add column expired_redirect text not null default '';
