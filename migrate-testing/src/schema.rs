//! A plain listing of a database's schema, for snapshots.

use postgres::Client;

/// Lists everything that migrations make in the connected database, object by object and sorted, with nothing in it
/// that differs between two databases with the same schema: no object ids, no sizes, no times. System schemas and the
/// members of extensions are left out.
///
/// # Errors
///
/// What the server says; the catalogs can be read by everybody.
pub fn listing(client: &mut Client) -> Result<String, postgres::Error> {
    let mut transaction = client.build_transaction().read_only(true).start()?;
    // With an empty path the server's own printing qualifies every name.
    transaction.batch_execute("SET LOCAL search_path = ''")?;
    let mut listing = String::new();
    let mut current = String::new();
    for row in transaction.query(include_str!("schema.sql"), &[])? {
        let (object, line): (String, Option<String>) = (row.try_get("object")?, row.try_get("line")?);
        if object != current {
            if !listing.is_empty() {
                listing.push('\n');
            }
            listing.push_str(&object);
            listing.push('\n');
            current = object;
        }
        for line in line.iter().flat_map(|line| line.split('\n')) {
            listing.push_str(format!("    {line}").trim_end());
            listing.push('\n');
        }
    }
    transaction.rollback()?;
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use crate::scratch;

    use super::*;

    const SCHEMA: &str = "
        CREATE EXTENSION pgcrypto;
        CREATE SCHEMA shop;
        CREATE TYPE shop.state AS ENUM ('open', 'done');
        CREATE TYPE shop.size AS (width int, height int);
        CREATE DOMAIN shop.positive AS int DEFAULT 1 NOT NULL CHECK (VALUE > 0);
        CREATE SEQUENCE shop.numbers START 5;
        CREATE TABLE shop.orders (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            state shop.state NOT NULL DEFAULT 'open',
            total numeric(12,2) CHECK (total >= 0),
            double_total numeric GENERATED ALWAYS AS (total * 2) STORED,
            name text COLLATE \"C\");
        CREATE TABLE shop.parts (id int, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE shop.parts_2024 PARTITION OF shop.parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE INDEX orders_state ON shop.orders (state) WHERE total > 0;
        COMMENT ON TABLE shop.orders IS 'what was bought';
        COMMENT ON COLUMN shop.orders.total IS 'in euro';
        ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
        CREATE POLICY everyone ON shop.orders FOR SELECT TO PUBLIC USING (total > 0);
        GRANT SELECT, INSERT ON shop.orders TO PUBLIC;
        GRANT UPDATE (name) ON shop.orders TO PUBLIC;
        CREATE VIEW shop.open_orders AS SELECT id FROM shop.orders WHERE state = 'open';
        CREATE MATERIALIZED VIEW shop.totals AS SELECT sum(total) FROM shop.orders;
        CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        CREATE TRIGGER touch BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();
    ";

    #[test]
    fn every_kind_of_object_is_listed_and_nothing_that_varies() {
        let (one, two) = (scratch().unwrap(), scratch().unwrap());
        let (mut client, mut other) = (one.connect().unwrap(), two.connect().unwrap());
        assert_eq!(
            listing(&mut client).unwrap(),
            "schema public\n    owner pg_database_owner\n    grant usage to public\n"
        );
        client.batch_execute(SCHEMA).unwrap();
        let listed = listing(&mut client).unwrap();
        for line in [
            "extension pgcrypto\n",
            "type shop.state\n    enum ('open', 'done')\n",
            "type shop.size\n    width integer\n    height integer\n",
            "domain shop.positive\n    integer not null default 1\n    constraint positive_check CHECK ((VALUE > 0))\n",
            "sequence shop.numbers\n    bigint start 5",
            "    column id bigint not null generated always as identity\n",
            "    column state shop.state not null default 'open'::shop.state\n",
            "    column double_total numeric generated always as ((total * (2)::numeric)) stored\n",
            "    column name text collate pg_catalog.\"C\"\n",
            "    constraint orders_pkey PRIMARY KEY (id)\n",
            "    index orders_state CREATE INDEX orders_state ON shop.orders USING btree (state) WHERE",
            "    trigger touch CREATE TRIGGER touch BEFORE UPDATE",
            "    policy everyone permissive for select to public using ((total > (0)::numeric))\n",
            "    row level security\n",
            "    grant insert to public\n    grant select to public\n    grant update (name) to public\n",
            "    comment 'what was bought'\n",
            "    comment on total 'in euro'\n",
            "partitioned table shop.parts\n    partition by RANGE (at)\n",
            "    partition of shop.parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')\n",
            "view shop.open_orders\n",
            "materialized view shop.totals\n",
            "function shop.touch()\n",
        ] {
            assert!(listed.contains(line), "{line:?} is not in:\n{listed}");
        }
        assert!(!listed.contains("armor"), "the members of an extension are not listed:\n{listed}");
        // The second database has used up other object ids.
        other.batch_execute("CREATE TABLE t (); DROP TABLE t").unwrap();
        other.batch_execute(SCHEMA).unwrap();
        assert_eq!(listing(&mut other).unwrap(), listed);
    }

    #[test]
    fn an_invalid_index_is_marked() {
        let database = scratch().unwrap();
        let mut client = database.connect().unwrap();
        client.batch_execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)").unwrap();
        client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a)").unwrap_err();
        let listed = listing(&mut client).unwrap();
        assert!(listed.contains("index t_a INVALID CREATE UNIQUE INDEX t_a"), "{listed}");
    }
}
