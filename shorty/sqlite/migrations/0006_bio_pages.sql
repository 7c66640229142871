-- Logos of codes, and what pages show: avatars and images.
alter table qr_logos rename to pictures;
alter table pictures add column purpose text not null default 'logo';   -- logo, avatar, image
alter table pictures add column key text not null default '';           -- of its public address; empty: it has none
drop index qr_logos_of_workspace;
create index pictures_of_workspace on pictures (workspace_id, purpose, id);
create index pictures_by_key on pictures (key) where key <> '';

create table bio_pages (                     -- how a link-in-bio link's page looks; no row: as it comes
  link_id integer primary key references links (id),
  title text,                                -- null, like the next: the link's own
  description text,
  is_button_shown integer not null default 1,
  avatar text not null,                      -- icon, picture, none
  picture_id integer,                        -- null too where it was deleted
  theme text not null,
  colors text,                               -- JSON; null: the theme's own
  socials text not null default '[]',        -- JSON, in order
  updated_at integer not null
);

create table bio_blocks (                    -- what stands on a page below its button
  id integer primary key,
  page_id integer not null references links (id),   -- a page's id is its link's
  position integer not null,
  kind text not null,                        -- link, header, text, image, embed
  target_id integer references links (id),   -- where a link's button leads
  text text,                                 -- the label, the words, what an image shows, an embed's title
  url text,                                  -- of an image or an embed
  picture_id integer,
  is_hidden integer not null default 0,
  shown_from integer,
  shown_until integer,
  created_at integer not null
);
create index bio_blocks_of_page on bio_blocks (page_id, position);
create index bio_blocks_of_target on bio_blocks (target_id, page_id) where target_id is not null;

create index bio_blocks_of_picture on bio_blocks (picture_id) where picture_id is not null;

create table favicons (                      -- icons of the hosts that links lead to, shown from here
  host text primary key,
  key text not null unique,                  -- of its public address, which tells nobody the host
  png blob,                                  -- drawn anew; null: none was found
  fetched_at integer not null
);
