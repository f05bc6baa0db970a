CREATE DOMAIN currency_code AS text
    CONSTRAINT currency_code_is_iso_4217 CHECK (VALUE ~ '^[A-Z]{3}$');

CREATE TABLE categories (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Deleting a category lifts what was below it to the top rather than taking it along.
    parent_id bigint REFERENCES categories ON DELETE SET NULL,
    slug      text NOT NULL UNIQUE CONSTRAINT categories_slug_is_lower CHECK (slug ~ '^[a-z0-9-]+$'),
    name      text NOT NULL,
    CONSTRAINT categories_not_its_own_parent CHECK (parent_id <> id)
);

CREATE INDEX categories_parent_id_idx ON categories (parent_id);

CREATE TABLE products (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category_id     bigint REFERENCES categories ON DELETE SET NULL,
    sku             text NOT NULL UNIQUE,
    name            text NOT NULL,
    description     text NOT NULL DEFAULT '',
    price           numeric(12, 2) NOT NULL CONSTRAINT products_price_is_not_negative CHECK (price >= 0),
    currency        currency_code NOT NULL,
    attributes      jsonb NOT NULL DEFAULT '{}',
    discontinued_at timestamptz,
    -- The configuration is named: the one-argument to_tsvector reads a setting and may not stand in a generated column.
    search          tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', name), 'A') || setweight(to_tsvector('simple', description), 'B')
    ) STORED
);

CREATE INDEX products_category_id_idx ON products (category_id);
CREATE INDEX products_search_idx ON products USING gin (search);

-- The price list is read from this index alone.
CREATE INDEX products_on_sale_idx ON products (name) INCLUDE (price, currency) WHERE discontinued_at IS NULL;
