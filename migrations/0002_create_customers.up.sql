-- A plausible address, not a valid one: only a message that arrives proves the latter.
CREATE DOMAIN email_address AS text
    CONSTRAINT email_address_is_plausible CHECK (VALUE ~ '^[^@[:space:]]+@[^@[:space:]]+$');

CREATE TABLE customers (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What leaves the house in URLs and mails: it does not tell how many customers there are.
    public_id  uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    email      email_address NOT NULL,
    full_name  text NOT NULL CONSTRAINT customers_full_name_is_there CHECK (btrim(full_name) <> ''),
    phone      text,
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at  timestamptz,
    CONSTRAINT customers_closed_after_created CHECK (closed_at >= created_at)
);

-- People write their address in any case and mean the same mailbox.
CREATE UNIQUE INDEX customers_email_key ON customers (lower(email));
