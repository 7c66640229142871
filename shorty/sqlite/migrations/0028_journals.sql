-- One row for each click journal, instead of one row: several nodes may store theirs here.

create table journals (                      -- how far each node's journal has been stored
  journal_id text primary key,
  node text not null,                        -- the name of the node that writes it
  segment integer not null,
  position integer not null,                 -- in bytes, of the end of what is stored
  stored_batches integer not null
) without rowid;

insert into journals (journal_id, node, segment, position, stored_batches)
select journal_id, 'local', segment, position, stored_batches from journal_state;

drop table journal_state;
