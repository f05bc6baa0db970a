-- migrate: irreversible the old prices are in no backup
DELETE FROM crlf;
