-- What a workspace calls somebody whom it added; null: what the person goes by. People may belong
-- to several workspaces, and adding an address must not tell whose it is.
alter table members add column name text;
