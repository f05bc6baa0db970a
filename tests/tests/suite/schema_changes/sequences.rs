//! Sequences, by themselves and behind a column.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "sequences",
    setup: r"
        CREATE SEQUENCE free;
        CREATE SEQUENCE small AS smallint START 10 MINVALUE 5 MAXVALUE 500 INCREMENT 5 CACHE 4 CYCLE;
        CREATE TABLE owner (id serial, other int);
        CREATE SEQUENCE owned OWNED BY owner.other;
        CREATE SCHEMA sequences_elsewhere;
    ",
    changes: &[
        change("CREATE SEQUENCE", "CREATE SEQUENCE s", "DROP SEQUENCE s"),
        change("CREATE SEQUENCE AS", "CREATE SEQUENCE s AS integer", "DROP SEQUENCE s"),
        change("CREATE SEQUENCE INCREMENT BY", "CREATE SEQUENCE s INCREMENT BY -1", "DROP SEQUENCE s"),
        change(
            "CREATE SEQUENCE MINVALUE MAXVALUE",
            "CREATE SEQUENCE s MINVALUE -5 MAXVALUE 5",
            "DROP SEQUENCE s",
        ),
        change(
            "CREATE SEQUENCE START CACHE CYCLE",
            "CREATE SEQUENCE s START 7 CACHE 20 CYCLE",
            "DROP SEQUENCE s",
        ),
        change("CREATE SEQUENCE OWNED BY", "CREATE SEQUENCE s OWNED BY owner.other", "DROP SEQUENCE s"),
        change("CREATE UNLOGGED SEQUENCE", "CREATE UNLOGGED SEQUENCE s", "DROP SEQUENCE s").since(15),
        change("DROP SEQUENCE", "DROP SEQUENCE free", "CREATE SEQUENCE free"),
        change("ALTER SEQUENCE AS", "ALTER SEQUENCE free AS integer", "ALTER SEQUENCE free AS bigint"),
        change(
            "ALTER SEQUENCE INCREMENT BY",
            "ALTER SEQUENCE free INCREMENT BY 3",
            "ALTER SEQUENCE free INCREMENT BY 1",
        ),
        change(
            "ALTER SEQUENCE MINVALUE",
            "ALTER SEQUENCE free MINVALUE -100",
            "ALTER SEQUENCE free NO MINVALUE",
        ),
        change(
            "ALTER SEQUENCE MAXVALUE",
            "ALTER SEQUENCE free MAXVALUE 100",
            "ALTER SEQUENCE free NO MAXVALUE",
        ),
        change(
            "ALTER SEQUENCE NO MAXVALUE",
            "ALTER SEQUENCE small NO MAXVALUE",
            "ALTER SEQUENCE small MAXVALUE 500",
        ),
        change("ALTER SEQUENCE START", "ALTER SEQUENCE free START 2", "ALTER SEQUENCE free START 1"),
        change("ALTER SEQUENCE CACHE", "ALTER SEQUENCE free CACHE 2", "ALTER SEQUENCE free CACHE 1"),
        change("ALTER SEQUENCE CYCLE", "ALTER SEQUENCE free CYCLE", "ALTER SEQUENCE free NO CYCLE"),
        change(
            "ALTER SEQUENCE OWNED BY",
            "ALTER SEQUENCE free OWNED BY owner.other",
            "ALTER SEQUENCE free OWNED BY NONE",
        ),
        change(
            "ALTER SEQUENCE OWNED BY NONE",
            "ALTER SEQUENCE owned OWNED BY NONE",
            "ALTER SEQUENCE owned OWNED BY owner.other",
        ),
        change(
            "ALTER SEQUENCE OWNED BY another column",
            "ALTER SEQUENCE owned OWNED BY owner.id",
            "ALTER SEQUENCE owned OWNED BY owner.other",
        ),
        change(
            "ALTER SEQUENCE SET UNLOGGED",
            "ALTER SEQUENCE free SET UNLOGGED",
            "ALTER SEQUENCE free SET LOGGED",
        )
        .since(15),
        change(
            "ALTER SEQUENCE OWNER TO",
            "ALTER SEQUENCE free OWNER TO ddl_alice",
            "ALTER SEQUENCE free OWNER TO postgres",
        ),
        change(
            "ALTER SEQUENCE RENAME TO",
            "ALTER SEQUENCE free RENAME TO s",
            "ALTER SEQUENCE s RENAME TO free",
        ),
        change(
            "ALTER SEQUENCE RENAME TO, of a serial column",
            "ALTER SEQUENCE owner_id_seq RENAME TO s",
            "ALTER SEQUENCE s RENAME TO owner_id_seq",
        ),
        change(
            "ALTER SEQUENCE SET SCHEMA",
            "ALTER SEQUENCE free SET SCHEMA sequences_elsewhere",
            "ALTER SEQUENCE sequences_elsewhere.free SET SCHEMA sequences",
        ),
        change(
            "COMMENT ON SEQUENCE",
            "COMMENT ON SEQUENCE free IS 'free'",
            "COMMENT ON SEQUENCE free IS NULL",
        ),
    ],
};
