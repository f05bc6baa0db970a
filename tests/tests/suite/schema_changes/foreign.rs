//! Foreign data: wrappers, servers, user mappings, foreign tables.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "foreign_data",
    setup: r"
        CREATE FUNCTION handler() RETURNS fdw_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
        CREATE FUNCTION validator(text[], oid) RETURNS void LANGUAGE sql AS '';
        CREATE FOREIGN DATA WRAPPER ddl_wrapper OPTIONS (debug 'true');
        CREATE SERVER ddl_server TYPE 'some' VERSION '1' FOREIGN DATA WRAPPER ddl_wrapper OPTIONS (host 'here');
        CREATE USER MAPPING FOR ddl_alice SERVER ddl_server OPTIONS (user 'a', password 'secret');
        CREATE FOREIGN TABLE far (a int OPTIONS (column_name 'x'), b text) SERVER ddl_server OPTIONS (table_name 'f');
        CREATE TABLE near (a int);
        CREATE TABLE parts (a int) PARTITION BY LIST (a);
        CREATE SCHEMA foreign_elsewhere;
    ",
    changes: &[
        change("CREATE FOREIGN DATA WRAPPER", "CREATE FOREIGN DATA WRAPPER w", "DROP FOREIGN DATA WRAPPER w"),
        change(
            "CREATE FOREIGN DATA WRAPPER OPTIONS",
            "CREATE FOREIGN DATA WRAPPER w OPTIONS (a '1', \"B c\" 'it''s')",
            "DROP FOREIGN DATA WRAPPER w",
        ),
        change(
            "ALTER FOREIGN DATA WRAPPER HANDLER",
            "ALTER FOREIGN DATA WRAPPER ddl_wrapper HANDLER handler",
            "ALTER FOREIGN DATA WRAPPER ddl_wrapper NO HANDLER",
        ),
        change(
            "ALTER FOREIGN DATA WRAPPER VALIDATOR",
            "ALTER FOREIGN DATA WRAPPER ddl_wrapper VALIDATOR validator",
            "ALTER FOREIGN DATA WRAPPER ddl_wrapper NO VALIDATOR",
        ),
        change(
            "ALTER FOREIGN DATA WRAPPER OPTIONS",
            "ALTER FOREIGN DATA WRAPPER ddl_wrapper OPTIONS (ADD x '1')",
            "ALTER FOREIGN DATA WRAPPER ddl_wrapper OPTIONS (DROP x)",
        ),
        change(
            "ALTER FOREIGN DATA WRAPPER OPTIONS SET",
            "ALTER FOREIGN DATA WRAPPER ddl_wrapper OPTIONS (SET debug 'false')",
            "ALTER FOREIGN DATA WRAPPER ddl_wrapper OPTIONS (SET debug 'true')",
        ),
        change(
            "ALTER FOREIGN DATA WRAPPER RENAME TO",
            "ALTER FOREIGN DATA WRAPPER ddl_wrapper RENAME TO w",
            "ALTER FOREIGN DATA WRAPPER w RENAME TO ddl_wrapper",
        ),
        change(
            "ALTER FOREIGN DATA WRAPPER OWNER TO",
            "ALTER FOREIGN DATA WRAPPER ddl_wrapper OWNER TO ddl_super",
            "ALTER FOREIGN DATA WRAPPER ddl_wrapper OWNER TO postgres",
        ),
        change(
            "COMMENT ON FOREIGN DATA WRAPPER",
            "COMMENT ON FOREIGN DATA WRAPPER ddl_wrapper IS 'wraps'",
            "COMMENT ON FOREIGN DATA WRAPPER ddl_wrapper IS NULL",
        ),
        change("CREATE SERVER", "CREATE SERVER s FOREIGN DATA WRAPPER ddl_wrapper", "DROP SERVER s"),
        change(
            "CREATE SERVER TYPE VERSION OPTIONS",
            "CREATE SERVER s TYPE 't' VERSION '2' FOREIGN DATA WRAPPER ddl_wrapper OPTIONS (host 'there', port '1')",
            "DROP SERVER s",
        ),
        change(
            "ALTER SERVER VERSION",
            "ALTER SERVER ddl_server VERSION '2'",
            "ALTER SERVER ddl_server VERSION '1'",
        ),
        change(
            "ALTER SERVER OPTIONS",
            "ALTER SERVER ddl_server OPTIONS (SET host 'there')",
            "ALTER SERVER ddl_server OPTIONS (SET host 'here')",
        ),
        change(
            "ALTER SERVER RENAME TO",
            "ALTER SERVER ddl_server RENAME TO s",
            "ALTER SERVER s RENAME TO ddl_server",
        ),
        change(
            "ALTER SERVER OWNER TO",
            "ALTER SERVER ddl_server OWNER TO ddl_super",
            "ALTER SERVER ddl_server OWNER TO postgres",
        ),
        change(
            "COMMENT ON SERVER",
            "COMMENT ON SERVER ddl_server IS 'serves'",
            "COMMENT ON SERVER ddl_server IS NULL",
        ),
        change(
            "CREATE USER MAPPING",
            "CREATE USER MAPPING FOR ddl_bob SERVER ddl_server",
            "DROP USER MAPPING FOR ddl_bob SERVER ddl_server",
        ),
        change(
            "CREATE USER MAPPING FOR PUBLIC OPTIONS",
            "CREATE USER MAPPING FOR PUBLIC SERVER ddl_server OPTIONS (user 'x')",
            "DROP USER MAPPING FOR PUBLIC SERVER ddl_server",
        ),
        change(
            "ALTER USER MAPPING OPTIONS",
            "ALTER USER MAPPING FOR ddl_alice SERVER ddl_server OPTIONS (SET user 'b')",
            "ALTER USER MAPPING FOR ddl_alice SERVER ddl_server OPTIONS (SET user 'a')",
        ),
        change(
            "ALTER USER MAPPING OPTIONS DROP of a secret",
            "ALTER USER MAPPING FOR ddl_alice SERVER ddl_server OPTIONS (DROP password)",
            "ALTER USER MAPPING FOR ddl_alice SERVER ddl_server OPTIONS (ADD password 'secret')",
        ),
        change(
            "DROP USER MAPPING",
            "DROP USER MAPPING FOR ddl_alice SERVER ddl_server",
            "CREATE USER MAPPING FOR ddl_alice SERVER ddl_server OPTIONS (user 'a', password 'secret')",
        ),
        change(
            "CREATE FOREIGN TABLE",
            "CREATE FOREIGN TABLE t (a int) SERVER ddl_server",
            "DROP FOREIGN TABLE t",
        ),
        change(
            "CREATE FOREIGN TABLE OPTIONS",
            "CREATE FOREIGN TABLE t (a int OPTIONS (n '1') NOT NULL DEFAULT 4) SERVER ddl_server OPTIONS (x 'y')",
            "DROP FOREIGN TABLE t",
        ),
        change(
            "CREATE FOREIGN TABLE CHECK",
            "CREATE FOREIGN TABLE t (a int CHECK (a > 0)) SERVER ddl_server",
            "DROP FOREIGN TABLE t",
        ),
        change(
            "CREATE FOREIGN TABLE INHERITS",
            "CREATE FOREIGN TABLE t () INHERITS (near) SERVER ddl_server",
            "DROP FOREIGN TABLE t",
        ),
        change(
            "CREATE FOREIGN TABLE PARTITION OF",
            "CREATE FOREIGN TABLE t PARTITION OF parts FOR VALUES IN (1) SERVER ddl_server",
            "DROP FOREIGN TABLE t",
        ),
        change(
            "ALTER FOREIGN TABLE ADD COLUMN",
            "ALTER FOREIGN TABLE far ADD COLUMN c date",
            "ALTER FOREIGN TABLE far DROP COLUMN c",
        ),
        change(
            "ALTER FOREIGN TABLE ALTER COLUMN TYPE",
            "ALTER FOREIGN TABLE far ALTER COLUMN a TYPE bigint",
            "ALTER FOREIGN TABLE far ALTER COLUMN a TYPE int",
        ),
        change(
            "ALTER FOREIGN TABLE ALTER COLUMN SET DEFAULT",
            "ALTER FOREIGN TABLE far ALTER COLUMN a SET DEFAULT 1",
            "ALTER FOREIGN TABLE far ALTER COLUMN a DROP DEFAULT",
        ),
        change(
            "ALTER FOREIGN TABLE ALTER COLUMN SET STATISTICS",
            "ALTER FOREIGN TABLE far ALTER COLUMN a SET STATISTICS 9",
            "ALTER FOREIGN TABLE far ALTER COLUMN a SET STATISTICS -1",
        ),
        change(
            "ALTER FOREIGN TABLE ALTER COLUMN OPTIONS",
            "ALTER FOREIGN TABLE far ALTER COLUMN a OPTIONS (SET column_name 'y')",
            "ALTER FOREIGN TABLE far ALTER COLUMN a OPTIONS (SET column_name 'x')",
        ),
        change(
            "ALTER FOREIGN TABLE OPTIONS",
            "ALTER FOREIGN TABLE far OPTIONS (ADD more '1')",
            "ALTER FOREIGN TABLE far OPTIONS (DROP more)",
        ),
        change(
            "ALTER FOREIGN TABLE ADD CHECK",
            "ALTER FOREIGN TABLE far ADD CONSTRAINT k CHECK (a > 0) NOT VALID",
            "ALTER FOREIGN TABLE far DROP CONSTRAINT k",
        ),
        change(
            "ALTER FOREIGN TABLE RENAME TO",
            "ALTER FOREIGN TABLE far RENAME TO t",
            "ALTER FOREIGN TABLE t RENAME TO far",
        ),
        change(
            "ALTER FOREIGN TABLE OWNER TO",
            "ALTER FOREIGN TABLE far OWNER TO ddl_alice",
            "ALTER FOREIGN TABLE far OWNER TO postgres",
        ),
        change(
            "ALTER FOREIGN TABLE SET SCHEMA",
            "ALTER FOREIGN TABLE far SET SCHEMA foreign_elsewhere",
            "ALTER FOREIGN TABLE foreign_elsewhere.far SET SCHEMA foreign_data",
        ),
        change(
            "COMMENT ON FOREIGN TABLE",
            "COMMENT ON FOREIGN TABLE far IS 'far'",
            "COMMENT ON FOREIGN TABLE far IS NULL",
        ),
        change(
            "COMMENT ON COLUMN of a foreign table",
            "COMMENT ON COLUMN far.a IS 'a'",
            "COMMENT ON COLUMN far.a IS NULL",
        ),
    ],
};
