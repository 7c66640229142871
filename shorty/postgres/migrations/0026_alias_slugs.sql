-- The slugs of a link's aliases, separated by spaces: what searches find the link by. No release had
-- aliases without them.
alter table links add column alias_slugs text collate "C" not null default '';
