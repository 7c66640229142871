-- Visitors find a link in any case, and nobody gets an address that differs from another's in case alone.
create index links_folded on links (domain_id, folded_key) where deleted_at is null;
