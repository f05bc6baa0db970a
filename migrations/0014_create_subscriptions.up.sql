CREATE TABLE plans (
    code     text PRIMARY KEY,
    name     text NOT NULL,
    price    numeric(12, 2) NOT NULL CONSTRAINT plans_price_is_not_negative CHECK (price >= 0),
    currency currency_code NOT NULL,
    period   interval NOT NULL CONSTRAINT plans_period_is_positive CHECK (period > interval '0'),
    features text[] NOT NULL DEFAULT '{}'
);

-- Part of the application, not somebody's data: the code names these two.
INSERT INTO plans (code, name, price, currency, period, features) VALUES
    ('monthly', 'Monthly box', 24.00, 'EUR', '1 month', '{cancel-any-time}'),
    ('yearly', 'Twelve boxes', 240.00, 'EUR', '1 year', '{cancel-any-time,free-shipping}');

CREATE TABLE subscriptions (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id   bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
    plan_code     text NOT NULL REFERENCES plans ON UPDATE CASCADE ON DELETE RESTRICT,
    active_during tstzrange NOT NULL DEFAULT tstzrange(now(), NULL),
    CONSTRAINT subscriptions_active_for_some_time CHECK (NOT isempty(active_during)),
    -- One subscription at a time. The customer stands here as a range of one, whose equality GiST knows by itself; for
    -- the bare number it would need the extension btree_gist.
    CONSTRAINT subscriptions_one_at_a_time EXCLUDE USING gist (
        int8range(customer_id, customer_id, '[]') WITH =,
        active_during WITH &&
    )
);

CREATE INDEX subscriptions_customer_id_idx ON subscriptions (customer_id);
CREATE INDEX subscriptions_plan_code_idx ON subscriptions (plan_code);
