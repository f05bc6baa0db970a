//! Indexes and extended statistics.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "indexes",
    setup: r"
        CREATE TABLE plain (a int, b text, c tsvector, d point, e int[], f int);
        CREATE INDEX by_a ON plain (a);
        CREATE INDEX by_expression ON plain ((a + f), b);
        CREATE UNIQUE INDEX once ON plain (f);
        CREATE INDEX partly ON plain (a) WHERE f > 0;
        CREATE TABLE parts (a int, b text) PARTITION BY LIST (a);
        CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1);
        CREATE INDEX whole ON parts (b);
        CREATE INDEX only_above ON ONLY parts (a);
        CREATE INDEX part_1_a ON part_1 (a);
        CREATE STATISTICS together ON a, f FROM plain;
        CREATE STATISTICS dependent (dependencies) ON a, b FROM plain;
        CREATE SCHEMA indexes_elsewhere;
        CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA indexes_elsewhere;
    ",
    changes: &[
        change("CREATE INDEX", "CREATE INDEX i ON plain (b)", "DROP INDEX i"),
        change("CREATE INDEX CONCURRENTLY", "CREATE INDEX CONCURRENTLY i ON plain (b)", "DROP INDEX i"),
        change("CREATE UNIQUE INDEX", "CREATE UNIQUE INDEX i ON plain (b, a)", "DROP INDEX i"),
        change(
            "CREATE UNIQUE INDEX NULLS NOT DISTINCT",
            "CREATE UNIQUE INDEX i ON plain (b) NULLS NOT DISTINCT",
            "DROP INDEX i",
        )
        .since(15),
        change("CREATE INDEX USING hash", "CREATE INDEX i ON plain USING hash (b)", "DROP INDEX i"),
        change("CREATE INDEX USING gist", "CREATE INDEX i ON plain USING gist (d)", "DROP INDEX i"),
        change("CREATE INDEX USING spgist", "CREATE INDEX i ON plain USING spgist (d)", "DROP INDEX i"),
        change("CREATE INDEX USING gin", "CREATE INDEX i ON plain USING gin (e)", "DROP INDEX i"),
        change("CREATE INDEX USING brin", "CREATE INDEX i ON plain USING brin (a)", "DROP INDEX i"),
        change("CREATE INDEX over an expression", "CREATE INDEX i ON plain (lower(b))", "DROP INDEX i"),
        change("CREATE INDEX DESC", "CREATE INDEX i ON plain (a DESC)", "DROP INDEX i"),
        change("CREATE INDEX NULLS FIRST", "CREATE INDEX i ON plain (a NULLS FIRST)", "DROP INDEX i"),
        change("CREATE INDEX COLLATE", r#"CREATE INDEX i ON plain (b COLLATE "C")"#, "DROP INDEX i"),
        change(
            "CREATE INDEX with an operator class",
            "CREATE INDEX i ON plain (b text_pattern_ops)",
            "DROP INDEX i",
        ),
        change(
            "CREATE INDEX with an operator class's parameter",
            "CREATE INDEX i ON plain USING gist (c tsvector_ops (siglen = 100))",
            "DROP INDEX i",
        ),
        change("CREATE INDEX INCLUDE", "CREATE INDEX i ON plain (a) INCLUDE (b, f)", "DROP INDEX i"),
        change("CREATE INDEX WHERE", "CREATE INDEX i ON plain (a) WHERE b IS NOT NULL", "DROP INDEX i"),
        change(
            "CREATE INDEX WHERE something else",
            "DROP INDEX partly; CREATE INDEX partly ON plain (a) WHERE f > 1",
            "DROP INDEX partly; CREATE INDEX partly ON plain (a) WHERE f > 0",
        ),
        change(
            "CREATE INDEX over other columns",
            "DROP INDEX by_a; CREATE INDEX by_a ON plain (a, b)",
            "DROP INDEX by_a; CREATE INDEX by_a ON plain (a)",
        ),
        change(
            "CREATE INDEX with another direction",
            "DROP INDEX by_a; CREATE INDEX by_a ON plain (a DESC NULLS LAST)",
            "DROP INDEX by_a; CREATE INDEX by_a ON plain (a)",
        ),
        change(
            "CREATE INDEX no longer UNIQUE",
            "DROP INDEX once; CREATE INDEX once ON plain (f)",
            "DROP INDEX once; CREATE UNIQUE INDEX once ON plain (f)",
        ),
        change(
            "CREATE INDEX WITH fillfactor",
            "CREATE INDEX i ON plain (a) WITH (fillfactor = 70)",
            "DROP INDEX i",
        ),
        change(
            "CREATE INDEX WITH deduplicate_items",
            "CREATE INDEX i ON plain (a) WITH (deduplicate_items = off)",
            "DROP INDEX i",
        ),
        change(
            "CREATE INDEX WITH buffering",
            "CREATE INDEX i ON plain USING gist (d) WITH (buffering = on)",
            "DROP INDEX i",
        ),
        change(
            "CREATE INDEX WITH fastupdate",
            "CREATE INDEX i ON plain USING gin (e) WITH (fastupdate = off, gin_pending_list_limit = 100)",
            "DROP INDEX i",
        ),
        change(
            "CREATE INDEX WITH pages_per_range",
            "CREATE INDEX i ON plain USING brin (a) WITH (pages_per_range = 32, autosummarize = on)",
            "DROP INDEX i",
        ),
        change("CREATE INDEX TABLESPACE", "CREATE INDEX i ON plain (a) TABLESPACE ddl_space", "DROP INDEX i"),
        change("CREATE INDEX on a partitioned table", "CREATE INDEX i ON parts (a, b)", "DROP INDEX i"),
        change("CREATE INDEX ON ONLY", "CREATE INDEX i ON ONLY parts (a)", "DROP INDEX i"),
        change("CREATE INDEX on a partition", "CREATE INDEX i ON part_1 (b)", "DROP INDEX i"),
        change("DROP INDEX", "DROP INDEX by_a", "CREATE INDEX by_a ON plain (a)"),
        change("ALTER INDEX RENAME TO", "ALTER INDEX by_a RENAME TO i", "ALTER INDEX i RENAME TO by_a"),
        change(
            "ALTER INDEX SET TABLESPACE",
            "ALTER INDEX by_a SET TABLESPACE ddl_space",
            "ALTER INDEX by_a SET TABLESPACE pg_default",
        ),
        change(
            "ALTER INDEX SET",
            "ALTER INDEX by_a SET (fillfactor = 50)",
            "ALTER INDEX by_a RESET (fillfactor)",
        ),
        change(
            "ALTER INDEX ATTACH PARTITION",
            "ALTER INDEX only_above ATTACH PARTITION part_1_a",
            "DROP INDEX only_above; CREATE INDEX only_above ON ONLY parts (a); CREATE INDEX part_1_a ON part_1 (a)",
        ),
        change(
            "ALTER INDEX ALTER COLUMN SET STATISTICS",
            "ALTER INDEX by_expression ALTER COLUMN 1 SET STATISTICS 700",
            "ALTER INDEX by_expression ALTER COLUMN 1 SET STATISTICS -1",
        ),
        change(
            "ALTER INDEX DEPENDS ON EXTENSION",
            "ALTER INDEX by_a DEPENDS ON EXTENSION pgcrypto",
            "ALTER INDEX by_a NO DEPENDS ON EXTENSION pgcrypto",
        ),
        change("COMMENT ON INDEX", "COMMENT ON INDEX by_a IS 'by a'", "COMMENT ON INDEX by_a IS NULL"),
        change(
            "COMMENT ON INDEX of a partitioned table",
            "COMMENT ON INDEX whole IS 'all'",
            "COMMENT ON INDEX whole IS NULL",
        ),
        change("CREATE STATISTICS", "CREATE STATISTICS s ON a, b FROM plain", "DROP STATISTICS s"),
        change(
            "CREATE STATISTICS ndistinct",
            "CREATE STATISTICS s (ndistinct) ON a, b FROM plain",
            "DROP STATISTICS s",
        ),
        change(
            "CREATE STATISTICS mcv",
            "CREATE STATISTICS s (mcv, dependencies) ON a, b FROM plain",
            "DROP STATISTICS s",
        ),
        change(
            "CREATE STATISTICS over an expression",
            "CREATE STATISTICS s ON (a % 10) FROM plain",
            "DROP STATISTICS s",
        ),
        change(
            "CREATE STATISTICS of another kind",
            "DROP STATISTICS dependent; CREATE STATISTICS dependent (mcv) ON a, b FROM plain",
            "DROP STATISTICS dependent; CREATE STATISTICS dependent (dependencies) ON a, b FROM plain",
        ),
        change(
            "DROP STATISTICS",
            "DROP STATISTICS together",
            "CREATE STATISTICS together ON a, f FROM plain",
        ),
        change(
            "ALTER STATISTICS RENAME TO",
            "ALTER STATISTICS together RENAME TO s",
            "ALTER STATISTICS s RENAME TO together",
        ),
        change(
            "ALTER STATISTICS OWNER TO",
            "ALTER STATISTICS together OWNER TO ddl_alice",
            "ALTER STATISTICS together OWNER TO postgres",
        ),
        change(
            "ALTER STATISTICS SET SCHEMA",
            "ALTER STATISTICS together SET SCHEMA indexes_elsewhere",
            "ALTER STATISTICS indexes_elsewhere.together SET SCHEMA indexes",
        ),
        change(
            "ALTER STATISTICS SET STATISTICS",
            "ALTER STATISTICS together SET STATISTICS 200",
            "ALTER STATISTICS together SET STATISTICS -1",
        ),
        change(
            "COMMENT ON STATISTICS",
            "COMMENT ON STATISTICS together IS 'both'",
            "COMMENT ON STATISTICS together IS NULL",
        ),
    ],
};
