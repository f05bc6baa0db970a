//! CREATE TABLE, ALTER TABLE and DROP TABLE: what is said of a table as a whole.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "tables",
    setup: r"
        CREATE TABLE plain (id int PRIMARY KEY, note text, at timestamptz DEFAULT now());
        CREATE TABLE bare (a int, b text);
        CREATE TABLE other (a int, b text);
        CREATE INDEX other_a ON other (a);
        CREATE UNIQUE INDEX plain_note ON plain (note);
        CREATE TABLE keyed (a int NOT NULL, b text NOT NULL, UNIQUE (a), UNIQUE (b));
        CREATE TYPE row_type AS (a int, b text);
        CREATE TABLE of_type OF row_type;
        CREATE TABLE parent (a int, b text);
        CREATE TABLE second_parent (c int);
        CREATE TABLE child () INHERITS (parent);
        CREATE TABLE two_parents () INHERITS (parent, second_parent);
        CREATE TABLE loose_child (a int, b text);
        CREATE TABLE ranges (a int, b text) PARTITION BY RANGE (a);
        CREATE TABLE range_1 PARTITION OF ranges FOR VALUES FROM (0) TO (10);
        CREATE TABLE range_loose (a int, b text);
        CREATE TABLE lists (a int, b text) PARTITION BY LIST (a);
        CREATE TABLE list_1 PARTITION OF lists FOR VALUES IN (1, 2);
        CREATE TABLE hashes (a int, b text) PARTITION BY HASH (a);
        CREATE TABLE hash_0 PARTITION OF hashes FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE filled (a int, b text) WITH (fillfactor = 70, toast.autovacuum_enabled = off);
        CREATE ACCESS METHOD tables_heap TYPE TABLE HANDLER pg_catalog.heap_tableam_handler;
        CREATE SCHEMA tables_elsewhere;
        CREATE UNLOGGED TABLE fleeting (a int);
        CREATE TABLE made (a int);
    ",
    changes: &[
        change("CREATE TABLE", "CREATE TABLE t (a int, b text NOT NULL)", "DROP TABLE t"),
        change("CREATE TABLE without columns", "CREATE TABLE t ()", "DROP TABLE t"),
        change(
            "CREATE TABLE quoted",
            r#"CREATE TABLE "A ""table""" ("Select" int, "ä b" int)"#,
            r#"DROP TABLE "A ""table""""#,
        ),
        change("CREATE UNLOGGED TABLE", "CREATE UNLOGGED TABLE t (a int)", "DROP TABLE t"),
        change(
            "CREATE TABLE LIKE INCLUDING ALL",
            "CREATE TABLE t (LIKE plain INCLUDING ALL)",
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE OF",
            "CREATE TABLE t OF row_type (a PRIMARY KEY, b WITH OPTIONS DEFAULT 'x')",
            "DROP TABLE t",
        ),
        change("CREATE TABLE INHERITS", "CREATE TABLE t (c int) INHERITS (parent)", "DROP TABLE t"),
        change(
            "CREATE TABLE INHERITS in another order",
            "DROP TABLE two_parents; CREATE TABLE two_parents () INHERITS (second_parent, parent)",
            "DROP TABLE two_parents; CREATE TABLE two_parents () INHERITS (parent, second_parent)",
        ),
        change(
            "CREATE TABLE INHERITS with a column of its own as well",
            "DROP TABLE child; CREATE TABLE child (a int) INHERITS (parent)",
            "DROP TABLE child; CREATE TABLE child () INHERITS (parent)",
        ),
        change(
            "CREATE TABLE PARTITION BY RANGE",
            "CREATE TABLE t (a int, b int) PARTITION BY RANGE (a, b)",
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE PARTITION BY LIST",
            "CREATE TABLE t (a int) PARTITION BY LIST (a)",
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE PARTITION BY HASH",
            "CREATE TABLE t (a int) PARTITION BY HASH (a)",
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE PARTITION BY an expression",
            "CREATE TABLE t (a text) PARTITION BY LIST (lower(a))",
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE PARTITION BY COLLATE and an operator class",
            r#"CREATE TABLE t (a text) PARTITION BY RANGE (a COLLATE "C" text_pattern_ops)"#,
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE PARTITION BY another strategy",
            "DROP TABLE hashes; CREATE TABLE hashes (a int, b text) PARTITION BY LIST (a)",
            "DROP TABLE hashes; CREATE TABLE hashes (a int, b text) PARTITION BY HASH (a);
             CREATE TABLE hash_0 PARTITION OF hashes FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
        ),
        change(
            "CREATE TABLE PARTITION OF FROM TO",
            "CREATE TABLE t PARTITION OF ranges FOR VALUES FROM (10) TO (20)",
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE PARTITION OF FROM MINVALUE",
            "CREATE TABLE t PARTITION OF ranges FOR VALUES FROM (MINVALUE) TO (0)",
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE PARTITION OF TO MAXVALUE",
            "CREATE TABLE t PARTITION OF ranges FOR VALUES FROM (10) TO (MAXVALUE)",
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE PARTITION OF IN",
            "CREATE TABLE t PARTITION OF lists FOR VALUES IN (3, NULL)",
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE PARTITION OF WITH MODULUS",
            "CREATE TABLE t PARTITION OF hashes FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE PARTITION OF DEFAULT",
            "CREATE TABLE t PARTITION OF lists DEFAULT",
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE PARTITION OF PARTITION BY",
            "CREATE TABLE t PARTITION OF lists FOR VALUES IN (4) PARTITION BY RANGE (b)",
            "DROP TABLE t",
        ),
        change(
            "CREATE TABLE PARTITION OF with a default of its own",
            "CREATE TABLE t PARTITION OF lists (b DEFAULT 'x') FOR VALUES IN (4)",
            "DROP TABLE t",
        ),
        change("CREATE TABLE USING", "CREATE TABLE t (a int) USING tables_heap", "DROP TABLE t"),
        change(
            "CREATE TABLE WITH",
            "CREATE TABLE t (a int) WITH (fillfactor = 50, autovacuum_enabled = off)",
            "DROP TABLE t",
        ),
        change("CREATE TABLE TABLESPACE", "CREATE TABLE t (a int) TABLESPACE ddl_space", "DROP TABLE t"),
        change("CREATE TABLE AS", "CREATE TABLE t AS SELECT a, b || 'x' AS c FROM bare", "DROP TABLE t"),
        change("SELECT INTO", "SELECT a, b INTO t FROM bare", "DROP TABLE t"),
        change("DROP TABLE", "DROP TABLE made", "CREATE TABLE made (a int)"),
        change(
            "ALTER TABLE RENAME TO",
            "ALTER TABLE bare RENAME TO renamed",
            "ALTER TABLE renamed RENAME TO bare",
        ),
        change(
            "ALTER TABLE SET SCHEMA",
            "ALTER TABLE plain SET SCHEMA tables_elsewhere",
            "ALTER TABLE tables_elsewhere.plain SET SCHEMA tables",
        ),
        change(
            "ALTER TABLE OWNER TO",
            "ALTER TABLE bare OWNER TO ddl_alice",
            "ALTER TABLE bare OWNER TO postgres",
        ),
        change("ALTER TABLE SET UNLOGGED", "ALTER TABLE bare SET UNLOGGED", "ALTER TABLE bare SET LOGGED"),
        change(
            "ALTER TABLE SET LOGGED",
            "ALTER TABLE fleeting SET LOGGED",
            "ALTER TABLE fleeting SET UNLOGGED",
        ),
        change(
            "ALTER TABLE SET TABLESPACE",
            "ALTER TABLE bare SET TABLESPACE ddl_space",
            "ALTER TABLE bare SET TABLESPACE pg_default",
        ),
        change(
            "ALTER TABLE SET TABLESPACE, partitioned",
            "ALTER TABLE lists SET TABLESPACE ddl_space",
            "ALTER TABLE lists SET TABLESPACE pg_default",
        ),
        change(
            "ALTER TABLE SET ACCESS METHOD",
            "ALTER TABLE bare SET ACCESS METHOD tables_heap",
            "ALTER TABLE bare SET ACCESS METHOD heap",
        )
        .since(15),
        change(
            "ALTER TABLE SET ACCESS METHOD, partitioned",
            "ALTER TABLE lists SET ACCESS METHOD tables_heap",
            "ALTER TABLE lists SET ACCESS METHOD DEFAULT",
        )
        .since(17),
        change(
            "ALTER TABLE SET fillfactor",
            "ALTER TABLE bare SET (fillfactor = 60)",
            "ALTER TABLE bare RESET (fillfactor)",
        ),
        change(
            "ALTER TABLE SET another fillfactor",
            "ALTER TABLE filled SET (fillfactor = 60)",
            "ALTER TABLE filled SET (fillfactor = 70)",
        ),
        change(
            "ALTER TABLE SET toast_tuple_target",
            "ALTER TABLE bare SET (toast_tuple_target = 200)",
            "ALTER TABLE bare RESET (toast_tuple_target)",
        ),
        change(
            "ALTER TABLE SET parallel_workers",
            "ALTER TABLE bare SET (parallel_workers = 3)",
            "ALTER TABLE bare RESET (parallel_workers)",
        ),
        change(
            "ALTER TABLE SET autovacuum_enabled",
            "ALTER TABLE bare SET (autovacuum_enabled = off)",
            "ALTER TABLE bare RESET (autovacuum_enabled)",
        ),
        change(
            "ALTER TABLE SET vacuum_index_cleanup",
            "ALTER TABLE bare SET (vacuum_index_cleanup = on)",
            "ALTER TABLE bare RESET (vacuum_index_cleanup)",
        ),
        change(
            "ALTER TABLE SET vacuum_truncate",
            "ALTER TABLE bare SET (vacuum_truncate = off)",
            "ALTER TABLE bare RESET (vacuum_truncate)",
        ),
        change(
            "ALTER TABLE SET autovacuum_vacuum_scale_factor",
            "ALTER TABLE bare SET (autovacuum_vacuum_scale_factor = 0.05)",
            "ALTER TABLE bare RESET (autovacuum_vacuum_scale_factor)",
        ),
        change(
            "ALTER TABLE SET autovacuum_freeze_max_age",
            "ALTER TABLE bare SET (autovacuum_freeze_max_age = 100000000)",
            "ALTER TABLE bare RESET (autovacuum_freeze_max_age)",
        ),
        change(
            "ALTER TABLE SET log_autovacuum_min_duration",
            "ALTER TABLE bare SET (log_autovacuum_min_duration = 0)",
            "ALTER TABLE bare RESET (log_autovacuum_min_duration)",
        ),
        change(
            "ALTER TABLE SET user_catalog_table",
            "ALTER TABLE bare SET (user_catalog_table = true)",
            "ALTER TABLE bare RESET (user_catalog_table)",
        ),
        change(
            "ALTER TABLE SET toast.*",
            "ALTER TABLE bare SET (toast.autovacuum_enabled = off)",
            "ALTER TABLE bare RESET (toast.autovacuum_enabled)",
        ),
        change(
            "ALTER TABLE RESET toast.*",
            "ALTER TABLE filled RESET (toast.autovacuum_enabled)",
            "ALTER TABLE filled SET (toast.autovacuum_enabled = off)",
        ),
        change(
            "ALTER TABLE SET two options",
            "ALTER TABLE bare SET (fillfactor = 60, parallel_workers = 2)",
            "ALTER TABLE bare RESET (fillfactor, parallel_workers)",
        ),
        change(
            "ALTER TABLE INHERIT",
            "ALTER TABLE loose_child INHERIT parent",
            "ALTER TABLE loose_child NO INHERIT parent",
        ),
        change(
            "ALTER TABLE NO INHERIT",
            "ALTER TABLE child NO INHERIT parent",
            "DROP TABLE child; CREATE TABLE child () INHERITS (parent)",
        ),
        change("ALTER TABLE OF", "ALTER TABLE bare OF row_type", "ALTER TABLE bare NOT OF"),
        change("ALTER TABLE NOT OF", "ALTER TABLE of_type NOT OF", "ALTER TABLE of_type OF row_type"),
        change(
            "ALTER TABLE REPLICA IDENTITY FULL",
            "ALTER TABLE bare REPLICA IDENTITY FULL",
            "ALTER TABLE bare REPLICA IDENTITY DEFAULT",
        ),
        change(
            "ALTER TABLE REPLICA IDENTITY NOTHING",
            "ALTER TABLE bare REPLICA IDENTITY NOTHING",
            "ALTER TABLE bare REPLICA IDENTITY DEFAULT",
        ),
        change(
            "ALTER TABLE REPLICA IDENTITY USING INDEX",
            "ALTER TABLE keyed REPLICA IDENTITY USING INDEX keyed_a_key",
            "ALTER TABLE keyed REPLICA IDENTITY DEFAULT",
        ),
        change(
            "ALTER TABLE ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE bare ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE bare DISABLE ROW LEVEL SECURITY",
        ),
        change(
            "ALTER TABLE FORCE ROW LEVEL SECURITY",
            "ALTER TABLE bare FORCE ROW LEVEL SECURITY",
            "ALTER TABLE bare NO FORCE ROW LEVEL SECURITY",
        ),
        change(
            "ALTER TABLE CLUSTER ON",
            "ALTER TABLE other CLUSTER ON other_a",
            "ALTER TABLE other SET WITHOUT CLUSTER",
        ),
        change("CLUSTER USING", "CLUSTER other USING other_a", "ALTER TABLE other SET WITHOUT CLUSTER"),
        change(
            "ALTER TABLE ATTACH PARTITION",
            "ALTER TABLE ranges ATTACH PARTITION range_loose FOR VALUES FROM (50) TO (60)",
            "ALTER TABLE ranges DETACH PARTITION range_loose",
        ),
        change(
            "ALTER TABLE ATTACH PARTITION DEFAULT",
            "ALTER TABLE ranges ATTACH PARTITION range_loose DEFAULT",
            "ALTER TABLE ranges DETACH PARTITION range_loose",
        ),
        change(
            "ALTER TABLE DETACH PARTITION",
            "ALTER TABLE ranges DETACH PARTITION range_1",
            "ALTER TABLE ranges ATTACH PARTITION range_1 FOR VALUES FROM (0) TO (10)",
        ),
        change(
            "ALTER TABLE DETACH PARTITION CONCURRENTLY",
            "ALTER TABLE lists DETACH PARTITION list_1 CONCURRENTLY",
            "ALTER TABLE lists ATTACH PARTITION list_1 FOR VALUES IN (1, 2); ALTER TABLE list_1 DROP CONSTRAINT list_1_a_check",
        ),
        change(
            "ALTER TABLE ATTACH PARTITION with other bounds",
            "ALTER TABLE ranges DETACH PARTITION range_1; ALTER TABLE ranges ATTACH PARTITION range_1 FOR VALUES FROM (0) TO (11)",
            "ALTER TABLE ranges DETACH PARTITION range_1; ALTER TABLE ranges ATTACH PARTITION range_1 FOR VALUES FROM (0) TO (10)",
        ),
        change(
            "CREATE TABLE PARTITION OF IN another list",
            "DROP TABLE list_1; CREATE TABLE list_1 PARTITION OF lists FOR VALUES IN (2, 1, 3)",
            "DROP TABLE list_1; CREATE TABLE list_1 PARTITION OF lists FOR VALUES IN (1, 2)",
        ),
        change(
            "COMMENT ON TABLE",
            "COMMENT ON TABLE bare IS 'It''s a\ntable'",
            "COMMENT ON TABLE bare IS NULL",
        ),
        change(
            "COMMENT ON TABLE, partitioned",
            "COMMENT ON TABLE lists IS 'lists'",
            "COMMENT ON TABLE lists IS NULL",
        ),
    ],
};
