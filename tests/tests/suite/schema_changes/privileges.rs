//! GRANT, REVOKE and ALTER DEFAULT PRIVILEGES.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "privileges",
    setup: r"
        CREATE TABLE plain (a int, b text);
        CREATE TABLE open (a int, b text);
        GRANT SELECT ON open TO PUBLIC;
        GRANT UPDATE (b) ON open TO ddl_alice;
        GRANT INSERT ON open TO ddl_bob WITH GRANT OPTION;
        GRANT USAGE ON SCHEMA privileges TO ddl_bob;
        CREATE VIEW seen AS SELECT a FROM plain;
        CREATE SEQUENCE numbers;
        CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE PROCEDURE doing() LANGUAGE sql AS 'SELECT 1';
        CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int);
        CREATE TYPE mood AS ENUM ('ok');
        CREATE DOMAIN word AS text;
        CREATE FOREIGN DATA WRAPPER privileges_wrapper;
        CREATE SERVER privileges_server FOREIGN DATA WRAPPER privileges_wrapper;
        CREATE FOREIGN TABLE far (a int) SERVER privileges_server;
        CREATE FUNCTION handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
        CREATE TRUSTED LANGUAGE privileges_language HANDLER handler;
        CREATE SCHEMA privileges_elsewhere;
        CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA privileges_elsewhere;
        CREATE TABLE member (a int, b text);
        ALTER EXTENSION pgcrypto ADD TABLE member;
        ALTER DEFAULT PRIVILEGES FOR ROLE ddl_bob GRANT SELECT ON TABLES TO ddl_alice;
    ",
    changes: &[
        change(
            "GRANT SELECT ON TABLE",
            "GRANT SELECT ON plain TO ddl_alice",
            "REVOKE SELECT ON plain FROM ddl_alice",
        ),
        change("GRANT ALL ON TABLE", "GRANT ALL ON plain TO ddl_alice", "REVOKE ALL ON plain FROM ddl_alice"),
        change(
            "GRANT several ON TABLE TO several",
            "GRANT INSERT, DELETE, TRUNCATE, REFERENCES, TRIGGER ON plain TO ddl_alice, ddl_bob",
            "REVOKE ALL ON plain FROM ddl_alice, ddl_bob",
        ),
        change(
            "GRANT MAINTAIN ON TABLE",
            "GRANT MAINTAIN ON plain TO ddl_alice",
            "REVOKE MAINTAIN ON plain FROM ddl_alice",
        )
        .since(17),
        change(
            "GRANT ON TABLE TO PUBLIC",
            "GRANT SELECT ON plain TO PUBLIC",
            "REVOKE SELECT ON plain FROM PUBLIC",
        ),
        change(
            "GRANT ON TABLE WITH GRANT OPTION",
            "GRANT SELECT ON plain TO ddl_alice WITH GRANT OPTION",
            "REVOKE SELECT ON plain FROM ddl_alice",
        ),
        change(
            "GRANT ON TABLE by another",
            "SET ROLE ddl_bob; GRANT INSERT ON open TO ddl_alice; RESET ROLE",
            "SET ROLE ddl_bob; REVOKE INSERT ON open FROM ddl_alice; RESET ROLE",
        ),
        change(
            "GRANT ON TABLE (columns)",
            "GRANT SELECT (a), UPDATE (a, b) ON plain TO ddl_alice",
            "REVOKE SELECT (a), UPDATE (a, b) ON plain FROM ddl_alice",
        ),
        change(
            "GRANT ON TABLE, a view",
            "GRANT SELECT ON seen TO ddl_alice",
            "REVOKE SELECT ON seen FROM ddl_alice",
        ),
        change(
            "GRANT ON TABLE, a foreign one",
            "GRANT SELECT ON far TO ddl_alice",
            "REVOKE SELECT ON far FROM ddl_alice",
        ),
        change(
            "GRANT ON TABLE of an extension",
            "GRANT SELECT ON member TO ddl_alice",
            "REVOKE SELECT ON member FROM ddl_alice",
        ),
        change(
            "REVOKE ON TABLE FROM PUBLIC",
            "REVOKE SELECT ON open FROM PUBLIC",
            "GRANT SELECT ON open TO PUBLIC",
        )
        .again("a privilege that is granted again stands last"),
        change(
            "REVOKE ON TABLE (columns)",
            "REVOKE UPDATE (b) ON open FROM ddl_alice",
            "GRANT UPDATE (b) ON open TO ddl_alice",
        ),
        change(
            "REVOKE GRANT OPTION FOR",
            "REVOKE GRANT OPTION FOR INSERT ON open FROM ddl_bob",
            "GRANT INSERT ON open TO ddl_bob WITH GRANT OPTION",
        ),
        change(
            "REVOKE ON TABLE FROM its owner",
            "REVOKE DELETE ON plain FROM postgres",
            "GRANT DELETE ON plain TO postgres",
        ),
        change(
            "GRANT ON SEQUENCE",
            "GRANT USAGE, SELECT ON SEQUENCE numbers TO ddl_alice",
            "REVOKE ALL ON SEQUENCE numbers FROM ddl_alice",
        ),
        change(
            "GRANT ON FUNCTION",
            "GRANT EXECUTE ON FUNCTION one TO ddl_alice",
            "REVOKE EXECUTE ON FUNCTION one FROM ddl_alice",
        ),
        change(
            "REVOKE ON FUNCTION FROM PUBLIC",
            "REVOKE EXECUTE ON FUNCTION one FROM PUBLIC",
            "GRANT EXECUTE ON FUNCTION one TO PUBLIC",
        ),
        change(
            "REVOKE ON PROCEDURE FROM PUBLIC",
            "REVOKE EXECUTE ON PROCEDURE doing FROM PUBLIC",
            "GRANT EXECUTE ON PROCEDURE doing TO PUBLIC",
        ),
        change(
            "GRANT ON FUNCTION, an aggregate",
            "GRANT EXECUTE ON FUNCTION total(int) TO ddl_alice",
            "REVOKE EXECUTE ON FUNCTION total(int) FROM ddl_alice",
        ),
        change(
            "REVOKE ON FUNCTION of an extension",
            "REVOKE EXECUTE ON FUNCTION privileges_elsewhere.gen_salt(text) FROM PUBLIC",
            "GRANT EXECUTE ON FUNCTION privileges_elsewhere.gen_salt(text) TO PUBLIC",
        ),
        change(
            "GRANT ON FUNCTION of the system",
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO ddl_alice",
            "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) FROM ddl_alice",
        ),
        change(
            "REVOKE ON FUNCTION of the system FROM PUBLIC",
            "REVOKE EXECUTE ON FUNCTION pg_catalog.version() FROM PUBLIC",
            "GRANT EXECUTE ON FUNCTION pg_catalog.version() TO PUBLIC",
        ),
        change(
            "GRANT ON TABLE of the system",
            "GRANT SELECT ON pg_catalog.pg_authid TO ddl_alice",
            "REVOKE SELECT ON pg_catalog.pg_authid FROM ddl_alice",
        ),
        change(
            "REVOKE ON TABLE of the system FROM PUBLIC",
            "REVOKE SELECT ON pg_catalog.pg_stat_activity FROM PUBLIC",
            "GRANT SELECT ON pg_catalog.pg_stat_activity TO PUBLIC",
        ),
        change(
            "GRANT ON TABLE (columns) of the system",
            "GRANT SELECT (rolpassword) ON pg_catalog.pg_authid TO ddl_alice",
            "REVOKE SELECT (rolpassword) ON pg_catalog.pg_authid FROM ddl_alice",
        ),
        change(
            "GRANT ON SCHEMA",
            "GRANT USAGE ON SCHEMA privileges TO ddl_alice",
            "REVOKE USAGE ON SCHEMA privileges FROM ddl_alice",
        ),
        change(
            "GRANT CREATE ON SCHEMA",
            "GRANT CREATE ON SCHEMA privileges TO ddl_alice WITH GRANT OPTION",
            "REVOKE CREATE ON SCHEMA privileges FROM ddl_alice",
        ),
        change(
            "GRANT ON SCHEMA public",
            "GRANT CREATE ON SCHEMA public TO ddl_alice",
            "REVOKE CREATE ON SCHEMA public FROM ddl_alice",
        ),
        change(
            "REVOKE ON SCHEMA public FROM PUBLIC",
            "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
            "GRANT USAGE ON SCHEMA public TO PUBLIC",
        ),
        change(
            "REVOKE ON SCHEMA pg_catalog FROM PUBLIC",
            "REVOKE USAGE ON SCHEMA pg_catalog FROM PUBLIC",
            "GRANT USAGE ON SCHEMA pg_catalog TO PUBLIC",
        ),
        change(
            "GRANT ON TYPE",
            "GRANT USAGE ON TYPE mood TO ddl_alice",
            "REVOKE USAGE ON TYPE mood FROM ddl_alice",
        ),
        change(
            "REVOKE ON TYPE FROM PUBLIC",
            "REVOKE USAGE ON TYPE mood FROM PUBLIC",
            "GRANT USAGE ON TYPE mood TO PUBLIC",
        ),
        change(
            "REVOKE ON DOMAIN FROM PUBLIC",
            "REVOKE USAGE ON DOMAIN word FROM PUBLIC",
            "GRANT USAGE ON DOMAIN word TO PUBLIC",
        ),
        change(
            "GRANT ON LANGUAGE",
            "GRANT USAGE ON LANGUAGE privileges_language TO ddl_alice",
            "REVOKE USAGE ON LANGUAGE privileges_language FROM ddl_alice",
        ),
        change(
            "REVOKE ON LANGUAGE FROM PUBLIC",
            "REVOKE USAGE ON LANGUAGE privileges_language FROM PUBLIC",
            "GRANT USAGE ON LANGUAGE privileges_language TO PUBLIC",
        ),
        change(
            "REVOKE ON LANGUAGE plpgsql FROM PUBLIC",
            "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC",
            "GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC",
        ),
        change(
            "GRANT ON FOREIGN DATA WRAPPER",
            "GRANT USAGE ON FOREIGN DATA WRAPPER privileges_wrapper TO ddl_alice",
            "REVOKE USAGE ON FOREIGN DATA WRAPPER privileges_wrapper FROM ddl_alice",
        ),
        change(
            "GRANT ON FOREIGN SERVER",
            "GRANT USAGE ON FOREIGN SERVER privileges_server TO ddl_alice",
            "REVOKE USAGE ON FOREIGN SERVER privileges_server FROM ddl_alice",
        ),
        change(
            "GRANT ON ALL TABLES IN SCHEMA",
            "GRANT REFERENCES ON ALL TABLES IN SCHEMA privileges TO ddl_alice",
            "REVOKE REFERENCES ON ALL TABLES IN SCHEMA privileges FROM ddl_alice",
        ),
        change(
            "ALTER DEFAULT PRIVILEGES GRANT ON TABLES",
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ddl_alice",
            "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM ddl_alice",
        ),
        change(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA privileges GRANT SELECT, INSERT ON TABLES TO ddl_alice WITH GRANT OPTION",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA privileges REVOKE ALL ON TABLES FROM ddl_alice",
        ),
        change(
            "ALTER DEFAULT PRIVILEGES FOR ROLE",
            "ALTER DEFAULT PRIVILEGES FOR ROLE ddl_alice GRANT USAGE ON SEQUENCES TO ddl_bob",
            "ALTER DEFAULT PRIVILEGES FOR ROLE ddl_alice REVOKE USAGE ON SEQUENCES FROM ddl_bob",
        ),
        change(
            "ALTER DEFAULT PRIVILEGES REVOKE",
            "ALTER DEFAULT PRIVILEGES FOR ROLE ddl_bob REVOKE SELECT ON TABLES FROM ddl_alice",
            "ALTER DEFAULT PRIVILEGES FOR ROLE ddl_bob GRANT SELECT ON TABLES TO ddl_alice",
        ),
        change(
            "ALTER DEFAULT PRIVILEGES REVOKE ON FUNCTIONS FROM PUBLIC",
            "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
            "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
        ),
        change(
            "ALTER DEFAULT PRIVILEGES REVOKE ON TYPES FROM PUBLIC",
            "ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC",
            "ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO PUBLIC",
        ),
        change(
            "ALTER DEFAULT PRIVILEGES GRANT ON SCHEMAS",
            "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO ddl_alice",
            "ALTER DEFAULT PRIVILEGES REVOKE USAGE ON SCHEMAS FROM ddl_alice",
        ),
    ],
};
