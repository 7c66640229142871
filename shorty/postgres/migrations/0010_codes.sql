-- The links that have a QR code, whatever they were made for.
create index links_with_codes on links (workspace_id, created_at, id)
  where deleted_at is null and qr_settings is not null;
