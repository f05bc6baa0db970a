SET LOCAL shop.keep_updated_at = 'on';

-- A number that was changed since is newer than the archive and wins.
UPDATE customers AS c
SET phone = a.phone
FROM customers_phone_archive AS a
WHERE a.customer_id = c.id AND c.phone = a.normalised;

DROP TABLE customers_phone_archive;
