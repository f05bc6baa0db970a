-- "0049 (30) 1234-5678" and "+49 30 12345678" are one number, and support finds neither by the other. What was there
-- is kept: nobody can compute it back.
SET LOCAL shop.keep_updated_at = 'on';

CREATE TABLE customers_phone_archive (
    -- Goes with the customer, so that a number that must be forgotten is forgotten here too.
    customer_id bigint PRIMARY KEY REFERENCES customers ON DELETE CASCADE,
    phone       text NOT NULL,
    normalised  text NOT NULL
);

INSERT INTO customers_phone_archive (customer_id, phone, normalised)
SELECT id, phone, normalised
FROM customers
CROSS JOIN LATERAL (
    SELECT regexp_replace(regexp_replace(phone, '[^0-9+]', '', 'g'), '^00', '+') AS normalised
) AS n
WHERE phone IS NOT NULL AND normalised <> phone;

UPDATE customers AS c
SET phone = a.normalised
FROM customers_phone_archive AS a
WHERE a.customer_id = c.id;
