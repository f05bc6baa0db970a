-- migrate: lock-timeout 3s
-- migrate: statement-timeout 5min
-- migrate: allow drop-column it is "empty" \ {} since 2020
ALTER TABLE crlf ADD COLUMN a int;
