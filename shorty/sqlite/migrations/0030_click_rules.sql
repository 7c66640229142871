-- Which rule of its link won a click, and the key of the variant that was drawn. Null: none.
alter table clicks add column rule_id text;
alter table clicks add column variant text;
