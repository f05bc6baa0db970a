CREATE TYPE order_status AS ENUM ('pending', 'paid', 'shipped', 'delivered', 'cancelled');

-- The number that customers read out on the telephone: short, and not the primary key.
CREATE SEQUENCE order_number_seq START WITH 100001;

CREATE TABLE orders (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number              bigint NOT NULL DEFAULT nextval('order_number_seq') UNIQUE,
    -- Invoices must be kept: a customer with orders is closed, never deleted.
    customer_id         bigint NOT NULL REFERENCES customers ON DELETE RESTRICT,
    shipping_address_id bigint REFERENCES addresses ON DELETE SET NULL,
    status              order_status NOT NULL DEFAULT 'pending',
    currency            currency_code NOT NULL,
    note                text,
    placed_at           timestamptz NOT NULL DEFAULT now()
);

-- Dropping the table drops the sequence.
ALTER SEQUENCE order_number_seq OWNED BY orders.number;

CREATE INDEX orders_customer_id_idx ON orders (customer_id, placed_at DESC);
CREATE INDEX orders_shipping_address_id_idx ON orders (shipping_address_id) WHERE shipping_address_id IS NOT NULL;

CREATE TABLE order_items (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id   bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
    product_id bigint NOT NULL REFERENCES products ON DELETE RESTRICT,
    position   integer NOT NULL CONSTRAINT order_items_position_from_one CHECK (position >= 1),
    quantity   integer NOT NULL CONSTRAINT order_items_quantity_from_one CHECK (quantity >= 1),
    -- The price at the time of the order: products.price goes on changing.
    unit_price numeric(12, 2) NOT NULL CONSTRAINT order_items_unit_price_is_not_negative CHECK (unit_price >= 0),
    line_total numeric(14, 2) NOT NULL GENERATED ALWAYS AS (quantity * unit_price) STORED,
    -- Deferred, so that two lines can change places in one transaction.
    CONSTRAINT order_items_position_key UNIQUE (order_id, position) DEFERRABLE INITIALLY DEFERRED
);
