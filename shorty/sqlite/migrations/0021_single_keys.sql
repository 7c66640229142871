-- Whether the dashboard listens to keys pressed without a modifier (WCAG 2.1.4).
alter table users add column uses_single_keys integer not null default 1;
