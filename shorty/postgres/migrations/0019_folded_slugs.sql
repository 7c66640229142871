-- The slug in any case, filled by storage/migrations/__init__.py before the next step indexes it.
alter table links add column folded_key text collate "C" not null default '';
