-- A person's time zone, by its IANA name; null for the one that their browser reports.
alter table users add column time_zone text collate "C";
