-- Where the rules of a link led when it was clicked, as JSON: {rule: {variant, or "": URL}}. Null: the
-- snapshot is of a release without rules, and deliveries with it say nothing of them.
alter table webhook_snapshots add column destinations text;
