//! Views, materialised views and rules.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "views",
    setup: r"
        CREATE TABLE base (a int, b text);
        CREATE TABLE log (a int);
        CREATE VIEW simple AS SELECT a, b FROM base;
        CREATE VIEW barred WITH (security_barrier) AS SELECT a FROM base;
        CREATE VIEW joined AS SELECT x.a, y.b FROM base x JOIN base y USING (a) WHERE x.b > 'x';
        CREATE MATERIALIZED VIEW kept AS SELECT a, b FROM base;
        CREATE INDEX kept_a ON kept (a);
        CREATE RULE noted AS ON INSERT TO base DO ALSO INSERT INTO log VALUES (new.a);
        CREATE RULE writes AS ON UPDATE TO simple DO INSTEAD UPDATE base SET b = new.b WHERE a = old.a;
        CREATE SCHEMA views_elsewhere;
        CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA views_elsewhere;
        CREATE ACCESS METHOD views_heap TYPE TABLE HANDLER pg_catalog.heap_tableam_handler;
    ",
    changes: &[
        change("CREATE VIEW", "CREATE VIEW v AS SELECT b FROM base WHERE a > 3", "DROP VIEW v"),
        change(
            "CREATE VIEW with column names",
            "CREATE VIEW v (x, y) AS SELECT a, b FROM base",
            "DROP VIEW v",
        ),
        change(
            "CREATE VIEW over a view",
            "CREATE VIEW v AS SELECT count(*) FROM joined GROUP BY b HAVING count(*) > 1",
            "DROP VIEW v",
        ),
        change(
            "CREATE RECURSIVE VIEW",
            "CREATE RECURSIVE VIEW v (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM v WHERE n < 9",
            "DROP VIEW v",
        ),
        change(
            "CREATE VIEW WITH security_barrier",
            "CREATE VIEW v WITH (security_barrier) AS SELECT a FROM base",
            "DROP VIEW v",
        ),
        change(
            "CREATE VIEW WITH security_invoker",
            "CREATE VIEW v WITH (security_invoker = true) AS SELECT a FROM base",
            "DROP VIEW v",
        )
        .since(15),
        change(
            "CREATE VIEW WITH LOCAL CHECK OPTION",
            "CREATE VIEW v AS SELECT a FROM base WHERE a > 0 WITH LOCAL CHECK OPTION",
            "DROP VIEW v",
        ),
        change(
            "CREATE VIEW WITH CASCADED CHECK OPTION",
            "CREATE VIEW v AS SELECT a FROM base WHERE a > 0 WITH CASCADED CHECK OPTION",
            "DROP VIEW v",
        ),
        change(
            "CREATE OR REPLACE VIEW",
            "CREATE OR REPLACE VIEW simple AS SELECT a, b FROM base WHERE a > 0",
            "CREATE OR REPLACE VIEW simple AS SELECT a, b FROM base",
        ),
        change(
            "CREATE OR REPLACE VIEW with a column more",
            "CREATE OR REPLACE VIEW barred WITH (security_barrier) AS SELECT a, b FROM base",
            "DROP VIEW barred; CREATE VIEW barred WITH (security_barrier) AS SELECT a FROM base",
        ),
        change(
            "DROP VIEW",
            "DROP VIEW barred",
            "CREATE VIEW barred WITH (security_barrier) AS SELECT a FROM base",
        ),
        change("ALTER VIEW RENAME TO", "ALTER VIEW simple RENAME TO v", "ALTER VIEW v RENAME TO simple"),
        change(
            "ALTER VIEW RENAME COLUMN",
            "ALTER VIEW simple RENAME COLUMN a TO x",
            "ALTER VIEW simple RENAME COLUMN x TO a",
        ),
        change(
            "ALTER VIEW OWNER TO",
            "ALTER VIEW simple OWNER TO ddl_alice",
            "ALTER VIEW simple OWNER TO postgres",
        ),
        change(
            "ALTER VIEW SET SCHEMA",
            "ALTER VIEW simple SET SCHEMA views_elsewhere",
            "ALTER VIEW views_elsewhere.simple SET SCHEMA views",
        ),
        change(
            "ALTER VIEW SET",
            "ALTER VIEW simple SET (security_barrier = true)",
            "ALTER VIEW simple RESET (security_barrier)",
        ),
        change(
            "ALTER VIEW SET check_option",
            "ALTER VIEW simple SET (check_option = local)",
            "ALTER VIEW simple RESET (check_option)",
        ),
        change(
            "ALTER VIEW RESET",
            "ALTER VIEW barred RESET (security_barrier)",
            "ALTER VIEW barred SET (security_barrier)",
        ),
        change(
            "ALTER VIEW ALTER COLUMN SET DEFAULT",
            "ALTER VIEW simple ALTER COLUMN b SET DEFAULT 'x'",
            "ALTER VIEW simple ALTER COLUMN b DROP DEFAULT",
        ),
        change("COMMENT ON VIEW", "COMMENT ON VIEW simple IS 'simple'", "COMMENT ON VIEW simple IS NULL"),
        change(
            "COMMENT ON COLUMN of a view",
            "COMMENT ON COLUMN simple.a IS 'a of base'",
            "COMMENT ON COLUMN simple.a IS NULL",
        ),
        change(
            "ALTER TABLE RENAME COLUMN under a view",
            "ALTER TABLE base RENAME COLUMN b TO bb",
            "ALTER TABLE base RENAME COLUMN bb TO b",
        ),
        change(
            "CREATE MATERIALIZED VIEW",
            "CREATE MATERIALIZED VIEW m AS SELECT a FROM base",
            "DROP MATERIALIZED VIEW m",
        ),
        change(
            "CREATE MATERIALIZED VIEW WITH",
            "CREATE MATERIALIZED VIEW m WITH (fillfactor = 80) AS SELECT a FROM base WITH NO DATA",
            "DROP MATERIALIZED VIEW m",
        ),
        change(
            "CREATE MATERIALIZED VIEW USING",
            "CREATE MATERIALIZED VIEW m USING views_heap AS SELECT a FROM base",
            "DROP MATERIALIZED VIEW m",
        ),
        change(
            "CREATE MATERIALIZED VIEW TABLESPACE",
            "CREATE MATERIALIZED VIEW m TABLESPACE ddl_space AS SELECT a FROM base",
            "DROP MATERIALIZED VIEW m",
        ),
        change(
            "CREATE MATERIALIZED VIEW with another query",
            "DROP MATERIALIZED VIEW kept; CREATE MATERIALIZED VIEW kept AS SELECT a, b FROM base WHERE a > 1; CREATE INDEX kept_a ON kept (a)",
            "DROP MATERIALIZED VIEW kept; CREATE MATERIALIZED VIEW kept AS SELECT a, b FROM base; CREATE INDEX kept_a ON kept (a)",
        ),
        change("CREATE INDEX on a materialized view", "CREATE UNIQUE INDEX i ON kept (b)", "DROP INDEX i"),
        change(
            "ALTER MATERIALIZED VIEW RENAME TO",
            "ALTER MATERIALIZED VIEW kept RENAME TO m",
            "ALTER MATERIALIZED VIEW m RENAME TO kept",
        ),
        change(
            "ALTER MATERIALIZED VIEW RENAME COLUMN",
            "ALTER MATERIALIZED VIEW kept RENAME COLUMN b TO x",
            "ALTER MATERIALIZED VIEW kept RENAME COLUMN x TO b",
        ),
        change(
            "ALTER MATERIALIZED VIEW OWNER TO",
            "ALTER MATERIALIZED VIEW kept OWNER TO ddl_alice",
            "ALTER MATERIALIZED VIEW kept OWNER TO postgres",
        ),
        change(
            "ALTER MATERIALIZED VIEW SET SCHEMA",
            "ALTER MATERIALIZED VIEW kept SET SCHEMA views_elsewhere",
            "ALTER MATERIALIZED VIEW views_elsewhere.kept SET SCHEMA views",
        ),
        change(
            "ALTER MATERIALIZED VIEW SET",
            "ALTER MATERIALIZED VIEW kept SET (fillfactor = 60)",
            "ALTER MATERIALIZED VIEW kept RESET (fillfactor)",
        ),
        change(
            "ALTER MATERIALIZED VIEW SET TABLESPACE",
            "ALTER MATERIALIZED VIEW kept SET TABLESPACE ddl_space",
            "ALTER MATERIALIZED VIEW kept SET TABLESPACE pg_default",
        ),
        change(
            "ALTER MATERIALIZED VIEW SET ACCESS METHOD",
            "ALTER MATERIALIZED VIEW kept SET ACCESS METHOD views_heap",
            "ALTER MATERIALIZED VIEW kept SET ACCESS METHOD heap",
        )
        .since(15),
        change(
            "ALTER MATERIALIZED VIEW CLUSTER ON",
            "ALTER MATERIALIZED VIEW kept CLUSTER ON kept_a",
            "ALTER MATERIALIZED VIEW kept SET WITHOUT CLUSTER",
        ),
        change(
            "ALTER MATERIALIZED VIEW ALTER COLUMN SET STATISTICS",
            "ALTER MATERIALIZED VIEW kept ALTER COLUMN a SET STATISTICS 5",
            "ALTER MATERIALIZED VIEW kept ALTER COLUMN a SET STATISTICS -1",
        ),
        change(
            "ALTER MATERIALIZED VIEW ALTER COLUMN SET STORAGE",
            "ALTER MATERIALIZED VIEW kept ALTER COLUMN b SET STORAGE EXTERNAL",
            "ALTER MATERIALIZED VIEW kept ALTER COLUMN b SET STORAGE EXTENDED",
        ),
        change(
            "ALTER MATERIALIZED VIEW ALTER COLUMN SET COMPRESSION",
            "ALTER MATERIALIZED VIEW kept ALTER COLUMN b SET COMPRESSION pglz",
            "ALTER MATERIALIZED VIEW kept ALTER COLUMN b SET COMPRESSION default",
        ),
        change(
            "ALTER MATERIALIZED VIEW ALTER COLUMN SET (n_distinct)",
            "ALTER MATERIALIZED VIEW kept ALTER COLUMN a SET (n_distinct = 9)",
            "ALTER MATERIALIZED VIEW kept ALTER COLUMN a RESET (n_distinct)",
        ),
        change(
            "ALTER MATERIALIZED VIEW DEPENDS ON EXTENSION",
            "ALTER MATERIALIZED VIEW kept DEPENDS ON EXTENSION pgcrypto",
            "ALTER MATERIALIZED VIEW kept NO DEPENDS ON EXTENSION pgcrypto",
        ),
        change(
            "COMMENT ON MATERIALIZED VIEW",
            "COMMENT ON MATERIALIZED VIEW kept IS 'kept'",
            "COMMENT ON MATERIALIZED VIEW kept IS NULL",
        ),
        change(
            "CREATE RULE DO INSTEAD NOTHING",
            "CREATE RULE r AS ON DELETE TO base DO INSTEAD NOTHING",
            "DROP RULE r ON base",
        ),
        change(
            "CREATE RULE DO INSTEAD",
            "CREATE RULE r AS ON INSERT TO simple DO INSTEAD INSERT INTO base VALUES (new.a, new.b) RETURNING a, b",
            "DROP RULE r ON simple",
        ),
        change(
            "CREATE RULE DO ALSO several",
            "CREATE RULE r AS ON DELETE TO base DO ALSO (INSERT INTO log VALUES (old.a); NOTIFY gone)",
            "DROP RULE r ON base",
        ),
        change(
            "CREATE RULE WHERE",
            "CREATE RULE r AS ON UPDATE TO base WHERE old.a <> new.a DO ALSO INSERT INTO log VALUES (old.a)",
            "DROP RULE r ON base",
        ),
        change(
            "CREATE OR REPLACE RULE",
            "CREATE OR REPLACE RULE noted AS ON INSERT TO base DO ALSO INSERT INTO log VALUES (new.a + 1)",
            "CREATE OR REPLACE RULE noted AS ON INSERT TO base DO ALSO INSERT INTO log VALUES (new.a)",
        ),
        change(
            "DROP RULE",
            "DROP RULE noted ON base",
            "CREATE RULE noted AS ON INSERT TO base DO ALSO INSERT INTO log VALUES (new.a)",
        ),
        change(
            "ALTER RULE RENAME TO",
            "ALTER RULE noted ON base RENAME TO r",
            "ALTER RULE r ON base RENAME TO noted",
        ),
        change(
            "ALTER TABLE DISABLE RULE",
            "ALTER TABLE base DISABLE RULE noted",
            "ALTER TABLE base ENABLE RULE noted",
        ),
        change(
            "ALTER TABLE ENABLE REPLICA RULE",
            "ALTER TABLE base ENABLE REPLICA RULE noted",
            "ALTER TABLE base ENABLE RULE noted",
        ),
        change(
            "ALTER TABLE ENABLE ALWAYS RULE",
            "ALTER TABLE base ENABLE ALWAYS RULE noted",
            "ALTER TABLE base ENABLE RULE noted",
        ),
        change(
            "COMMENT ON RULE",
            "COMMENT ON RULE noted ON base IS 'noted'",
            "COMMENT ON RULE noted ON base IS NULL",
        ),
        change(
            "COMMENT ON RULE of a view",
            "COMMENT ON RULE writes ON simple IS 'writes'",
            "COMMENT ON RULE writes ON simple IS NULL",
        ),
    ],
};
