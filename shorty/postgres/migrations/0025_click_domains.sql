-- The domain by which a click came. Null: it was stored before this step, see `former_domains`.
alter table clicks add column domain_id bigint;

-- The domain of each link that had been clicked by then, where its earlier clicks are counted.
create table former_domains (
  link_id bigint primary key,
  domain_id bigint not null
);
insert into former_domains (link_id, domain_id)
select k.link_id, l.domain_id from link_counters k join links l on l.id = k.link_id
where k.total > 0 or k.bots > 0;

-- The only domain by which people have reached a link. Null: none yet; 0: there were several.
alter table link_counters add column domain_id bigint;
update link_counters set domain_id = (
  select f.domain_id from former_domains f where f.link_id = link_counters.link_id
);

-- Each domain by which links of a workspace were ever reached, as an owner of sums: the number
-- -(2^31 * domain + workspace).
create table click_domains (
  owner bigint primary key,
  workspace_id bigint not null
);
create index click_domains_of_workspace on click_domains (workspace_id);
insert into click_domains (owner, workspace_id)
select distinct -(f.domain_id * 2147483648 + k.workspace_id), k.workspace_id
from former_domains f join link_counters k on k.link_id = f.link_id;

-- Visitors are noted by link and by domain; a workspace has seen those of its domains.
insert into day_visitors (day, visitor, owner)
select distinct v.day, v.visitor, -(f.domain_id * 2147483648 + k.workspace_id)
from day_visitors v
join former_domains f on f.link_id = v.owner
join link_counters k on k.link_id = v.owner;
delete from day_visitors where owner < 0 and owner > -2147483648;

-- One row: since which UTC day the sums of domains are complete. Earlier days follow, latest first.
create table domain_sums (
  id bigint primary key check (id = 1),
  done_since bigint not null
);
insert into domain_sums (id, done_since)
select 1, case when exists (select 1 from former_domains) then 4611686018427387904 else 0 end;
