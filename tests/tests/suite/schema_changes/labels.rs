//! SECURITY LABEL. The statement wants a provider, and PostgreSQL's own packages have none that can be loaded here:
//! `dummy_seclabel` is a test module that they leave out, `sepgsql` offers itself only under a kernel with SELinux. What
//! the statement does is to write one row, and pg_dump reads that row; a superuser can write it too.

use super::{Topic, change};

/// A change of the label of one object.
macro_rules! label {
    ($clause:literal, $catalog:literal, $object:literal, $column:literal) => {
        change(
            concat!("SECURITY LABEL ON ", $clause),
            concat!(
                "INSERT INTO pg_catalog.pg_seclabel (objoid, classoid, objsubid, provider, label) VALUES ((",
                $object,
                ")::pg_catalog.oid, 'pg_catalog.",
                $catalog,
                "'::pg_catalog.regclass, ",
                $column,
                ", 'dummy', 'it''s secret')"
            ),
            "DELETE FROM pg_catalog.pg_seclabel",
        )
    };
}

pub const TOPIC: Topic = Topic {
    name: "labels",
    setup: r"
        CREATE TABLE plain (a int, b text);
        CREATE VIEW seen AS SELECT a FROM plain;
        CREATE MATERIALIZED VIEW kept AS SELECT a FROM plain;
        CREATE SEQUENCE numbers;
        CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE PROCEDURE doing() LANGUAGE sql AS 'SELECT 1';
        CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int);
        CREATE TYPE mood AS ENUM ('ok');
        CREATE TYPE pair AS (a int);
        CREATE DOMAIN word AS text;
        CREATE FUNCTION happened() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER labelled ON sql_drop EXECUTE FUNCTION happened();
        CREATE PUBLICATION labelled;
        CREATE FUNCTION handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
        CREATE LANGUAGE labelled HANDLER handler;
        CREATE FOREIGN DATA WRAPPER labels_wrapper;
        CREATE SERVER labels_server FOREIGN DATA WRAPPER labels_wrapper;
        CREATE FOREIGN TABLE far (a int) SERVER labels_server;
    ",
    changes: &[
        label!("TABLE", "pg_class", "SELECT 'plain'::regclass", "0"),
        label!("COLUMN", "pg_class", "SELECT 'plain'::regclass", "2"),
        label!("VIEW", "pg_class", "SELECT 'seen'::regclass", "0"),
        label!("MATERIALIZED VIEW", "pg_class", "SELECT 'kept'::regclass", "0"),
        label!("SEQUENCE", "pg_class", "SELECT 'numbers'::regclass", "0"),
        label!("FOREIGN TABLE", "pg_class", "SELECT 'far'::regclass", "0"),
        label!("FUNCTION", "pg_proc", "SELECT 'one()'::regprocedure", "0"),
        label!("PROCEDURE", "pg_proc", "SELECT 'doing()'::regprocedure", "0"),
        label!("AGGREGATE", "pg_proc", "SELECT 'total(int)'::regprocedure", "0"),
        label!("TYPE", "pg_type", "SELECT 'mood'::regtype", "0"),
        label!("TYPE, composite", "pg_type", "SELECT 'pair'::regtype", "0"),
        label!("DOMAIN", "pg_type", "SELECT 'word'::regtype", "0"),
        label!("SCHEMA", "pg_namespace", "SELECT 'labels'::regnamespace", "0"),
        label!("LANGUAGE", "pg_language", "SELECT oid FROM pg_language WHERE lanname = 'labelled'", "0"),
        label!("EVENT TRIGGER", "pg_event_trigger", "SELECT oid FROM pg_event_trigger", "0"),
        label!("PUBLICATION", "pg_publication", "SELECT oid FROM pg_publication", "0"),
    ],
};
