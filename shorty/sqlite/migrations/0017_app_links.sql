-- By which a phone's apps recognise a domain as theirs. Not among the domains, which are all kept in
-- memory: these may be large, and are read when somebody asks for them.
create table domain_app_links (
  domain_id integer primary key references domains (id),
  apple_app_site_association text not null default '',   -- JSON; '': none
  asset_links text not null default ''
);
