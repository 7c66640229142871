-- A mark of the workspace says that links were imported; nothing asks for this any more.
drop index links_imported;
