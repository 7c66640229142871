-- By which a phone's apps recognise a domain as theirs. Not among the domains, which are all kept in
-- memory: these may be large, and are read when somebody asks for them.
create table domain_app_links (
  domain_id bigint primary key references domains (id),
  apple_app_site_association text collate "C" not null default '', -- JSON; '': none
  asset_links text collate "C" not null default ''
);
