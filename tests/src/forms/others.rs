//! Statements other than `ALTER TABLE`.

use super::{Form, form};
use migrate_runtime::rehearsal::LockMode::{
    AccessExclusive, AccessShare, Exclusive, RowExclusive, RowShare, Share, ShareRowExclusive,
    ShareUpdateExclusive,
};

/// Statements that run in a transaction.
pub const OTHERS: &[Form] = &[
    // "Explicit Locking", mode by mode
    form("SELECT FROM loose", &[("loose", AccessShare)]).scans(&["loose"]),
    form("SELECT FROM loose FOR UPDATE", &[("loose", RowShare)]).scans(&["loose"]),
    form("SELECT FROM loose FOR KEY SHARE", &[("loose", RowShare)]).scans(&["loose"]),
    form("INSERT INTO loose VALUES (1, 'v')", &[("loose", RowExclusive)]),
    form("UPDATE loose SET v = 'w'", &[("loose", RowExclusive)]).scans(&["loose"]),
    form("DELETE FROM loose", &[("loose", RowExclusive)]).scans(&["loose"]),
    form("INSERT INTO t (id, e, n, p) VALUES (2, 2, 2, 1)", &[("t", RowExclusive), ("parent", RowShare)])
        .note("the foreign key looks the row up (RI_FKey_check of ri_triggers.c)"),
    form("LOCK TABLE t IN SHARE MODE", &[("t", Share)]),
    form("LOCK TABLE t", &[("t", AccessExclusive)]),
    form("LOCK TABLE t IN EXCLUSIVE MODE", &[("t", Exclusive)]),
    form("ANALYZE t", &[("t", ShareUpdateExclusive)]),
    form("CREATE STATISTICS st2 ON n, p FROM t", &[("t", ShareUpdateExclusive)]),
    form("DROP STATISTICS st", &[("t", ShareUpdateExclusive)])
        .note("the manual names CREATE STATISTICS only (RemoveStatisticsById of statscmds.c)"),
    form("COMMENT ON TABLE t IS 'x'", &[("t", ShareUpdateExclusive)])
        .note("COMMENT's page: SHARE UPDATE EXCLUSIVE on the object"),
    form("COMMENT ON COLUMN t.a IS 'x'", &[("t", ShareUpdateExclusive)]),
    form("COMMENT ON CONSTRAINT positive ON t IS 'x'", &[("t", AccessShare)])
        .note("the SHARE UPDATE EXCLUSIVE lock is on the constraint (get_object_address_relobject of objectaddress.c)"),
    form("CREATE INDEX t_b ON t (b)", &[("t", Share)]).scans(&["t"]).builds(&["t_b"]),
    form("CREATE UNIQUE INDEX t_b ON t (b) WHERE a > 0", &[("t", Share)]).scans(&["t"]).builds(&["t_b"]),
    form("CREATE INDEX IF NOT EXISTS t_a ON t (a)", &[("t", Share)]),
    form("CREATE INDEX big_v ON big (v)", &[("big", Share), ("big_1", Share), ("big_rest", Share)])
        .scans(&["big_1", "big_rest"])
        .builds(&["big_1_v_idx", "big_rest_v_idx"]),
    form("CREATE INDEX big_v ON ONLY big (v)", &[("big", Share)]),
    form(
        "CREATE TRIGGER trg2 AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch()",
        &[("t", ShareRowExclusive)],
    ),
    form(
        "CREATE CONSTRAINT TRIGGER trg2 AFTER INSERT ON t FROM parent FOR EACH ROW EXECUTE FUNCTION touch()",
        &[("t", ShareRowExclusive), ("parent", AccessShare)],
    ),
    form("DROP TRIGGER trg ON t", &[("t", AccessExclusive)]),
    form("ALTER TRIGGER trg ON t RENAME TO trg2", &[("t", AccessExclusive)]),
    form("CREATE RULE ru2 AS ON INSERT TO t WHERE NEW.a = 6 DO ALSO SELECT 1", &[("t", AccessExclusive)]),
    form("DROP RULE ru ON t", &[("t", AccessExclusive)]),
    form("ALTER RULE ru ON t RENAME TO ru2", &[("t", AccessExclusive)]),
    form("CREATE POLICY po ON t USING (a > 0)", &[("t", AccessExclusive)]),
    form("ALTER POLICY po ON t USING (a > 1)", &[("t", AccessExclusive)]).after("CREATE POLICY po ON t"),
    form("DROP POLICY po ON t", &[("t", AccessExclusive)]).after("CREATE POLICY po ON t"),
    // Tables
    form("CREATE TABLE z (x int)", &[("z", AccessExclusive)]),
    form(
        "CREATE TABLE z (x int REFERENCES parent)",
        &[("z", AccessExclusive), ("parent", ShareRowExclusive)],
    ),
    form("CREATE TABLE z (LIKE t INCLUDING ALL)", &[("z", AccessExclusive), ("t", AccessShare)]),
    form("CREATE TABLE z () INHERITS (mother)", &[("z", AccessExclusive), ("mother", ShareUpdateExclusive)]),
    form(
        "CREATE TABLE z PARTITION OF big FOR VALUES FROM (10) TO (20)",
        &[("z", AccessExclusive), ("big", AccessExclusive), ("big_rest", AccessExclusive)],
    )
    .scans(&["big_rest"]),
    form("CREATE TABLE z AS SELECT x FROM orphan", &[("z", AccessExclusive), ("orphan", AccessShare)])
        .scans(&["orphan"]),
    form("DROP TABLE orphan CASCADE", &[("orphan", AccessExclusive), ("v", AccessExclusive)]),
    form("DROP TABLE t", &[("t", AccessExclusive), ("parent", AccessExclusive)])
        .note("the foreign keys' triggers on the other table go with it"),
    form(
        "DROP TABLE big_1",
        &[("big_1", AccessExclusive), ("big", AccessExclusive), ("big_rest", AccessExclusive)],
    ),
    form("TRUNCATE orphan", &[("orphan", AccessExclusive)]).rewrites(&["orphan"]),
    form("TRUNCATE parent CASCADE", &[("parent", AccessExclusive), ("t", AccessExclusive)]).rewrites(&[
        "parent",
        "parent_pkey",
        "parent_u",
        "t",
        "t_a",
        "t_n",
        "t_pkey",
    ]),
    form("CLUSTER t USING t_a", &[("t", AccessExclusive)])
        .rewrites(&["t", "t_a", "t_n", "t_pkey"])
        .scans(&["t"]),
    form("REINDEX TABLE t", &[("t", AccessExclusive)]).rewrites(&["t_a", "t_n", "t_pkey"]).scans(&["t"]),
    form("REINDEX INDEX t_a", &[("t", AccessExclusive)]).rewrites(&["t_a"]).scans(&["t"]),
    // Indexes
    form("DROP INDEX t_a", &[("t", AccessExclusive)]),
    form("ALTER INDEX t_a RENAME TO t_a2", &[("t", ShareUpdateExclusive)]),
    form("ALTER INDEX t_a SET (fillfactor = 70)", &[("t", ShareUpdateExclusive)]),
    form("ALTER INDEX t_a SET TABLESPACE pg_default", &[("t", AccessExclusive)]),
    form(
        "ALTER INDEX big_v ATTACH PARTITION big_1_v",
        &[("big", ShareUpdateExclusive), ("big_1", AccessExclusive)],
    )
    .after("CREATE INDEX big_v ON ONLY big (v); CREATE INDEX big_1_v ON big_1 (v)"),
    // Views
    form("CREATE VIEW v2 AS SELECT x FROM orphan", &[("v2", AccessExclusive), ("orphan", AccessShare)]),
    form(
        "CREATE OR REPLACE VIEW v AS SELECT x, y FROM mother",
        &[("v", AccessExclusive), ("mother", AccessShare)],
    ),
    form("ALTER VIEW v RENAME TO v2", &[("v", AccessExclusive)]),
    form("DROP VIEW v", &[("v", AccessExclusive)]),
    form(
        "CREATE MATERIALIZED VIEW m2 AS SELECT x FROM orphan",
        &[("m2", AccessExclusive), ("orphan", AccessShare)],
    )
    .scans(&["orphan"]),
    form(
        "REFRESH MATERIALIZED VIEW m",
        &[("m", AccessExclusive), ("mother", AccessShare), ("child", AccessShare)],
    )
    .rewrites(&["m", "m_x"])
    .scans(&["mother", "child", "m"])
    .note("its index is built on the new rows"),
    form(
        "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
        &[("m", Exclusive), ("mother", AccessShare), ("child", AccessShare)],
    )
    .scans(&["child", "m", "mother"]),
    form("DROP MATERIALIZED VIEW m", &[("m", AccessExclusive)]),
    form("ALTER MATERIALIZED VIEW m RENAME TO m2", &[("m", AccessExclusive)]),
    // What locks no table
    form("GRANT SELECT ON t TO PUBLIC", &[]).until(17),
    form("GRANT SELECT ON t TO PUBLIC", &[("t", AccessShare)])
        .since(18)
        .note("the manual gives no lock for it; 18.4 holds this one, 14 to 17 none"),
    form("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", &[]),
    form("CREATE TYPE mood AS ENUM ('good')", &[]),
    form("ALTER SEQUENCE s INCREMENT BY 2", &[]),
    form("CREATE PUBLICATION pub FOR TABLE t", &[("t", ShareUpdateExclusive)]),
];

/// Statements that run in no transaction.
pub const ALONE: &[Form] = &[
    form("CREATE INDEX CONCURRENTLY t_b ON t (b)", &[("t", ShareUpdateExclusive)])
        .scans(&["t"])
        .builds(&["t_b"]),
    form("CREATE UNIQUE INDEX CONCURRENTLY t_b ON t (b)", &[("t", ShareUpdateExclusive)])
        .scans(&["t"])
        .builds(&["t_b"]),
    form("DROP INDEX CONCURRENTLY t_a", &[("t", ShareUpdateExclusive)]),
    form("REINDEX INDEX CONCURRENTLY t_a", &[("t", ShareUpdateExclusive)]).scans(&["t"]).builds(&["t_a"]),
    form("REINDEX TABLE CONCURRENTLY t", &[("t", ShareUpdateExclusive)])
        .scans(&["t"])
        .builds(&["t_a", "t_n", "t_pkey"]),
    form(
        "ALTER TABLE big DETACH PARTITION big_1 CONCURRENTLY",
        &[("big", ShareUpdateExclusive), ("big_1", AccessExclusive)],
    )
    .after("DROP TABLE big_rest"),
    form("VACUUM t", &[("t", ShareUpdateExclusive)]),
    form("VACUUM (ANALYZE) t, orphan", &[("t", ShareUpdateExclusive), ("orphan", ShareUpdateExclusive)]),
    form("VACUUM FULL t", &[("t", AccessExclusive)]).rewrites(&["t", "t_a", "t_n", "t_pkey"]).scans(&["t"]),
];
