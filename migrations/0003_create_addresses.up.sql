CREATE TABLE addresses (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- An address means nothing without its customer.
    customer_id bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
    recipient   text NOT NULL,
    street      text NOT NULL,
    postcode    text NOT NULL,
    city        text NOT NULL,
    country     text NOT NULL CONSTRAINT addresses_country_is_iso_3166 CHECK (country ~ '^[A-Z]{2}$'),
    is_default  boolean NOT NULL DEFAULT false
);

-- PostgreSQL makes no index for the referencing side of a foreign key: without one, deleting a customer reads all rows.
CREATE INDEX addresses_customer_id_idx ON addresses (customer_id);

-- At most one default address for each customer, as many others as they like.
CREATE UNIQUE INDEX addresses_one_default_key ON addresses (customer_id) WHERE is_default;
