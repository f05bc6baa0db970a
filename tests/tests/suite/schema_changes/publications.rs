//! Logical replication: publications and subscriptions.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "publications",
    setup: r"
        CREATE TABLE plain (a int PRIMARY KEY, b text);
        CREATE TABLE other (a int PRIMARY KEY, b text);
        CREATE TABLE parts (a int) PARTITION BY LIST (a);
        CREATE PUBLICATION empty;
        CREATE PUBLICATION one FOR TABLE plain;
        CREATE SUBSCRIPTION sub CONNECTION 'host=/nowhere dbname=x password=secret' PUBLICATION p
            WITH (connect = false, slot_name = NONE);
    ",
    changes: &[
        change("CREATE PUBLICATION", "CREATE PUBLICATION p", "DROP PUBLICATION p"),
        change("CREATE PUBLICATION FOR ALL TABLES", "CREATE PUBLICATION p FOR ALL TABLES", "DROP PUBLICATION p"),
        change("CREATE PUBLICATION FOR TABLE", "CREATE PUBLICATION p FOR TABLE plain, other", "DROP PUBLICATION p"),
        change("CREATE PUBLICATION FOR TABLE (columns)", "CREATE PUBLICATION p FOR TABLE plain (a)", "DROP PUBLICATION p").since(15),
        change("CREATE PUBLICATION FOR TABLE WHERE", "CREATE PUBLICATION p FOR TABLE plain WHERE (a > 7)", "DROP PUBLICATION p").since(15),
        change("CREATE PUBLICATION FOR TABLES IN SCHEMA", "CREATE PUBLICATION p FOR TABLES IN SCHEMA publications", "DROP PUBLICATION p").since(15),
        change("CREATE PUBLICATION WITH publish", "CREATE PUBLICATION p FOR TABLE plain WITH (publish = 'insert, delete')", "DROP PUBLICATION p"),
        change("CREATE PUBLICATION WITH publish_via_partition_root", "CREATE PUBLICATION p FOR TABLE parts WITH (publish_via_partition_root = true)", "DROP PUBLICATION p"),
        change("CREATE PUBLICATION WITH publish_generated_columns", "CREATE PUBLICATION p FOR TABLE plain WITH (publish_generated_columns = stored)", "DROP PUBLICATION p").since(18),
        change("DROP PUBLICATION", "DROP PUBLICATION empty", "CREATE PUBLICATION empty"),
        change("ALTER PUBLICATION ADD TABLE", "ALTER PUBLICATION one ADD TABLE other", "ALTER PUBLICATION one DROP TABLE other"),
        change("ALTER PUBLICATION SET TABLE", "ALTER PUBLICATION one SET TABLE other", "ALTER PUBLICATION one SET TABLE plain"),
        change("ALTER PUBLICATION SET TABLE WHERE", "ALTER PUBLICATION one SET TABLE plain WHERE (a < 3)", "ALTER PUBLICATION one SET TABLE plain").since(15),
        change("ALTER PUBLICATION SET TABLE (columns)", "ALTER PUBLICATION one SET TABLE plain (a)", "ALTER PUBLICATION one SET TABLE plain").since(15),
        change("ALTER PUBLICATION ADD TABLES IN SCHEMA", "ALTER PUBLICATION empty ADD TABLES IN SCHEMA public", "ALTER PUBLICATION empty DROP TABLES IN SCHEMA public").since(15),
        change("ALTER PUBLICATION DROP TABLE", "ALTER PUBLICATION one DROP TABLE plain", "ALTER PUBLICATION one ADD TABLE plain"),
        change("ALTER PUBLICATION SET publish", "ALTER PUBLICATION one SET (publish = 'truncate')", "ALTER PUBLICATION one SET (publish = 'insert, update, delete, truncate')"),
        change("ALTER PUBLICATION SET publish_via_partition_root", "ALTER PUBLICATION one SET (publish_via_partition_root)", "ALTER PUBLICATION one SET (publish_via_partition_root = off)"),
        change("ALTER PUBLICATION OWNER TO", "ALTER PUBLICATION one OWNER TO ddl_super", "ALTER PUBLICATION one OWNER TO postgres"),
        change("ALTER PUBLICATION RENAME TO", "ALTER PUBLICATION one RENAME TO p", "ALTER PUBLICATION p RENAME TO one"),
        change("COMMENT ON PUBLICATION", "COMMENT ON PUBLICATION one IS 'one'", "COMMENT ON PUBLICATION one IS NULL"),
        change("CREATE SUBSCRIPTION", "CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere' PUBLICATION p, q WITH (connect = false, slot_name = NONE)", "DROP SUBSCRIPTION s"),
        change("CREATE SUBSCRIPTION WITH slot_name", "CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = 'slot')", "ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s"),
        change("CREATE SUBSCRIPTION WITH binary", "CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE, binary)", "DROP SUBSCRIPTION s"),
        change("CREATE SUBSCRIPTION WITH two_phase", "CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE, two_phase)", "DROP SUBSCRIPTION s").since(15),
        change("ALTER SUBSCRIPTION CONNECTION", "ALTER SUBSCRIPTION sub CONNECTION 'host=/elsewhere dbname=x password=secret'", "ALTER SUBSCRIPTION sub CONNECTION 'host=/nowhere dbname=x password=secret'"),
        change("ALTER SUBSCRIPTION SET PUBLICATION", "ALTER SUBSCRIPTION sub SET PUBLICATION q WITH (refresh = false)", "ALTER SUBSCRIPTION sub SET PUBLICATION p WITH (refresh = false)"),
        change("ALTER SUBSCRIPTION ADD PUBLICATION", "ALTER SUBSCRIPTION sub ADD PUBLICATION q WITH (refresh = false)", "ALTER SUBSCRIPTION sub DROP PUBLICATION q WITH (refresh = false)"),
        change("ALTER SUBSCRIPTION SET slot_name", "ALTER SUBSCRIPTION sub SET (slot_name = 'other')", "ALTER SUBSCRIPTION sub SET (slot_name = NONE)"),
        change("ALTER SUBSCRIPTION SET binary", "ALTER SUBSCRIPTION sub SET (binary = true)", "ALTER SUBSCRIPTION sub SET (binary = false)"),
        change("ALTER SUBSCRIPTION SET streaming", "ALTER SUBSCRIPTION sub SET (streaming = on)", "ALTER SUBSCRIPTION sub SET (streaming = off)").until(17),
        change("ALTER SUBSCRIPTION SET streaming = parallel", "ALTER SUBSCRIPTION sub SET (streaming = off)", "ALTER SUBSCRIPTION sub SET (streaming = parallel)").since(18),
        change("ALTER SUBSCRIPTION SET synchronous_commit", "ALTER SUBSCRIPTION sub SET (synchronous_commit = local)", "ALTER SUBSCRIPTION sub SET (synchronous_commit = off)"),
        change("ALTER SUBSCRIPTION SET disable_on_error", "ALTER SUBSCRIPTION sub SET (disable_on_error = true)", "ALTER SUBSCRIPTION sub SET (disable_on_error = false)").since(15),
        change("ALTER SUBSCRIPTION SET origin", "ALTER SUBSCRIPTION sub SET (origin = none)", "ALTER SUBSCRIPTION sub SET (origin = any)").since(16),
        change("ALTER SUBSCRIPTION SET password_required", "ALTER SUBSCRIPTION sub SET (password_required = false)", "ALTER SUBSCRIPTION sub SET (password_required = true)").since(16),
        change("ALTER SUBSCRIPTION SET run_as_owner", "ALTER SUBSCRIPTION sub SET (run_as_owner = true)", "ALTER SUBSCRIPTION sub SET (run_as_owner = false)").since(16),
        change("CREATE SUBSCRIPTION WITH failover", "CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE, failover)", "DROP SUBSCRIPTION s").since(17),
        change("ALTER SUBSCRIPTION OWNER TO", "ALTER SUBSCRIPTION sub OWNER TO ddl_super", "ALTER SUBSCRIPTION sub OWNER TO postgres"),
        change("ALTER SUBSCRIPTION RENAME TO", "ALTER SUBSCRIPTION sub RENAME TO s", "ALTER SUBSCRIPTION s RENAME TO sub"),
        change("COMMENT ON SUBSCRIPTION", "COMMENT ON SUBSCRIPTION sub IS 'sub'", "COMMENT ON SUBSCRIPTION sub IS NULL"),
    ],
};
