//! Triggers, event triggers and row security policies.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "triggers",
    setup: r"
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
        CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
        CREATE FUNCTION happened() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE FUNCTION happened_too() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE TABLE plain (a int, b text);
        CREATE TABLE referred (a int PRIMARY KEY);
        CREATE VIEW seen AS SELECT a FROM plain;
        CREATE TRIGGER set BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION touch();
        CREATE TABLE parts (a int) PARTITION BY LIST (a);
        CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1);
        CREATE TRIGGER everywhere AFTER INSERT ON parts FOR EACH ROW EXECUTE FUNCTION touch();
        CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION happened();
        CREATE POLICY mine ON plain USING (a = 1);
        CREATE POLICY writing ON plain FOR INSERT TO ddl_alice WITH CHECK (a = 1);
        CREATE SCHEMA triggers_elsewhere;
        CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA triggers_elsewhere;
    ",
    changes: &[
        change(
            "CREATE TRIGGER BEFORE INSERT",
            "CREATE TRIGGER t BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION touch()",
            "DROP TRIGGER t ON plain",
        ),
        change(
            "CREATE TRIGGER AFTER several",
            "CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON plain FOR EACH ROW EXECUTE FUNCTION touch()",
            "DROP TRIGGER t ON plain",
        ),
        change(
            "CREATE TRIGGER INSTEAD OF",
            "CREATE TRIGGER t INSTEAD OF INSERT ON seen FOR EACH ROW EXECUTE FUNCTION touch()",
            "DROP TRIGGER t ON seen",
        ),
        change(
            "CREATE TRIGGER AFTER TRUNCATE",
            "CREATE TRIGGER t AFTER TRUNCATE ON plain EXECUTE FUNCTION touch()",
            "DROP TRIGGER t ON plain",
        ),
        change(
            "CREATE TRIGGER UPDATE OF",
            "CREATE TRIGGER t BEFORE UPDATE OF a, b ON plain FOR EACH ROW EXECUTE FUNCTION touch()",
            "DROP TRIGGER t ON plain",
        ),
        change(
            "CREATE TRIGGER FOR EACH STATEMENT",
            "CREATE TRIGGER t BEFORE INSERT ON plain FOR EACH STATEMENT EXECUTE FUNCTION touch()",
            "DROP TRIGGER t ON plain",
        ),
        change(
            "CREATE TRIGGER WHEN",
            "CREATE TRIGGER t BEFORE UPDATE ON plain FOR EACH ROW WHEN (old.a IS DISTINCT FROM new.a) EXECUTE FUNCTION touch()",
            "DROP TRIGGER t ON plain",
        ),
        change(
            "CREATE TRIGGER REFERENCING",
            "CREATE TRIGGER t AFTER UPDATE ON plain REFERENCING OLD TABLE AS was NEW TABLE AS now FOR EACH STATEMENT EXECUTE FUNCTION touch()",
            "DROP TRIGGER t ON plain",
        ),
        change(
            "CREATE TRIGGER with arguments",
            "CREATE TRIGGER t BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION touch('x', 'it''s')",
            "DROP TRIGGER t ON plain",
        ),
        change(
            "CREATE CONSTRAINT TRIGGER",
            "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON plain FOR EACH ROW EXECUTE FUNCTION touch()",
            "DROP TRIGGER t ON plain",
        ),
        change(
            "CREATE CONSTRAINT TRIGGER DEFERRABLE",
            "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON plain DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION touch()",
            "DROP TRIGGER t ON plain",
        ),
        change(
            "CREATE CONSTRAINT TRIGGER FROM",
            "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON plain FROM referred FOR EACH ROW EXECUTE FUNCTION touch()",
            "DROP TRIGGER t ON plain",
        ),
        change(
            "CREATE OR REPLACE TRIGGER",
            "CREATE OR REPLACE TRIGGER set BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION other()",
            "CREATE OR REPLACE TRIGGER set BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION touch()",
        ),
        change(
            "CREATE TRIGGER on a partitioned table",
            "CREATE TRIGGER t AFTER DELETE ON parts FOR EACH ROW EXECUTE FUNCTION touch()",
            "DROP TRIGGER t ON parts",
        ),
        change(
            "DROP TRIGGER",
            "DROP TRIGGER set ON plain",
            "CREATE TRIGGER set BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION touch()",
        ),
        change(
            "ALTER TRIGGER RENAME TO",
            "ALTER TRIGGER set ON plain RENAME TO t",
            "ALTER TRIGGER t ON plain RENAME TO set",
        ),
        change(
            "ALTER TRIGGER DEPENDS ON EXTENSION",
            "ALTER TRIGGER set ON plain DEPENDS ON EXTENSION pgcrypto",
            "ALTER TRIGGER set ON plain NO DEPENDS ON EXTENSION pgcrypto",
        ),
        change(
            "ALTER TABLE DISABLE TRIGGER",
            "ALTER TABLE plain DISABLE TRIGGER set",
            "ALTER TABLE plain ENABLE TRIGGER set",
        ),
        change(
            "ALTER TABLE ENABLE REPLICA TRIGGER",
            "ALTER TABLE plain ENABLE REPLICA TRIGGER set",
            "ALTER TABLE plain ENABLE TRIGGER set",
        ),
        change(
            "ALTER TABLE ENABLE ALWAYS TRIGGER",
            "ALTER TABLE plain ENABLE ALWAYS TRIGGER set",
            "ALTER TABLE plain ENABLE TRIGGER set",
        ),
        change(
            "ALTER TABLE DISABLE TRIGGER USER",
            "ALTER TABLE plain DISABLE TRIGGER USER",
            "ALTER TABLE plain ENABLE TRIGGER USER",
        ),
        change(
            "ALTER TABLE DISABLE TRIGGER of a partition",
            "ALTER TABLE part_1 DISABLE TRIGGER everywhere",
            "ALTER TABLE part_1 ENABLE TRIGGER everywhere",
        ),
        change(
            "COMMENT ON TRIGGER",
            "COMMENT ON TRIGGER set ON plain IS 'sets'",
            "COMMENT ON TRIGGER set ON plain IS NULL",
        ),
        change(
            "CREATE EVENT TRIGGER ON ddl_command_start",
            "CREATE EVENT TRIGGER t ON ddl_command_start EXECUTE FUNCTION happened()",
            "DROP EVENT TRIGGER t",
        ),
        change(
            "CREATE EVENT TRIGGER ON sql_drop WHEN TAG",
            "CREATE EVENT TRIGGER t ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP VIEW') EXECUTE FUNCTION happened()",
            "DROP EVENT TRIGGER t",
        ),
        change(
            "CREATE EVENT TRIGGER ON table_rewrite",
            "CREATE EVENT TRIGGER t ON table_rewrite EXECUTE FUNCTION happened()",
            "DROP EVENT TRIGGER t",
        ),
        change(
            "CREATE EVENT TRIGGER ON login",
            "CREATE EVENT TRIGGER t ON login EXECUTE FUNCTION happened(); ALTER EVENT TRIGGER t DISABLE",
            "DROP EVENT TRIGGER t",
        )
        .since(17),
        change(
            "CREATE EVENT TRIGGER EXECUTE another",
            "DROP EVENT TRIGGER watching; CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION happened_too()",
            "DROP EVENT TRIGGER watching; CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION happened()",
        ),
        change(
            "ALTER EVENT TRIGGER DISABLE",
            "ALTER EVENT TRIGGER watching DISABLE",
            "ALTER EVENT TRIGGER watching ENABLE",
        ),
        change(
            "ALTER EVENT TRIGGER ENABLE REPLICA",
            "ALTER EVENT TRIGGER watching ENABLE REPLICA",
            "ALTER EVENT TRIGGER watching ENABLE",
        ),
        change(
            "ALTER EVENT TRIGGER ENABLE ALWAYS",
            "ALTER EVENT TRIGGER watching ENABLE ALWAYS",
            "ALTER EVENT TRIGGER watching ENABLE",
        ),
        change(
            "ALTER EVENT TRIGGER RENAME TO",
            "ALTER EVENT TRIGGER watching RENAME TO t",
            "ALTER EVENT TRIGGER t RENAME TO watching",
        ),
        change(
            "ALTER EVENT TRIGGER OWNER TO",
            "ALTER EVENT TRIGGER watching OWNER TO ddl_super",
            "ALTER EVENT TRIGGER watching OWNER TO postgres",
        ),
        change(
            "COMMENT ON EVENT TRIGGER",
            "COMMENT ON EVENT TRIGGER watching IS 'watches'",
            "COMMENT ON EVENT TRIGGER watching IS NULL",
        ),
        change("CREATE POLICY", "CREATE POLICY p ON plain", "DROP POLICY p ON plain"),
        change(
            "CREATE POLICY AS RESTRICTIVE",
            "CREATE POLICY p ON plain AS RESTRICTIVE USING (true)",
            "DROP POLICY p ON plain",
        ),
        change(
            "CREATE POLICY FOR SELECT",
            "CREATE POLICY p ON plain FOR SELECT USING (b = current_user)",
            "DROP POLICY p ON plain",
        ),
        change(
            "CREATE POLICY FOR UPDATE",
            "CREATE POLICY p ON plain FOR UPDATE USING (a > 0) WITH CHECK (a > 1)",
            "DROP POLICY p ON plain",
        ),
        change(
            "CREATE POLICY FOR DELETE TO several",
            "CREATE POLICY p ON plain FOR DELETE TO ddl_alice, ddl_bob USING (false)",
            "DROP POLICY p ON plain",
        ),
        change("DROP POLICY", "DROP POLICY mine ON plain", "CREATE POLICY mine ON plain USING (a = 1)"),
        change(
            "ALTER POLICY RENAME TO",
            "ALTER POLICY mine ON plain RENAME TO p",
            "ALTER POLICY p ON plain RENAME TO mine",
        ),
        change(
            "ALTER POLICY TO",
            "ALTER POLICY mine ON plain TO ddl_bob",
            "ALTER POLICY mine ON plain TO PUBLIC",
        ),
        change(
            "ALTER POLICY USING",
            "ALTER POLICY mine ON plain USING (a = 2)",
            "ALTER POLICY mine ON plain USING (a = 1)",
        ),
        change(
            "ALTER POLICY WITH CHECK",
            "ALTER POLICY writing ON plain WITH CHECK (a = 2)",
            "ALTER POLICY writing ON plain WITH CHECK (a = 1)",
        ),
        change(
            "COMMENT ON POLICY",
            "COMMENT ON POLICY mine ON plain IS 'mine'",
            "COMMENT ON POLICY mine ON plain IS NULL",
        ),
    ],
};
