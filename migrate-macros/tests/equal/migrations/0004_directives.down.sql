-- migrate: lock-timeout 250ms
ALTER TABLE crlf DROP COLUMN a;
