//! Text search: configurations, dictionaries, parsers, templates.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "text_search",
    setup: r#"
        CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = simple);
        CREATE TEXT SEARCH DICTIONARY stemming (TEMPLATE = snowball, Language = english, StopWords = english);
        CREATE TEXT SEARCH CONFIGURATION bare (PARSER = pg_catalog."default");
        CREATE TEXT SEARCH CONFIGURATION filled (COPY = pg_catalog.english);
        CREATE TEXT SEARCH PARSER words (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
            LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
        CREATE TEXT SEARCH TEMPLATE easy (INIT = dsimple_init, LEXIZE = dsimple_lexize);
        CREATE SCHEMA text_search_elsewhere;
    "#,
    changes: &[
        change(
            "CREATE TEXT SEARCH CONFIGURATION PARSER",
            r#"CREATE TEXT SEARCH CONFIGURATION c (PARSER = pg_catalog."default")"#,
            "DROP TEXT SEARCH CONFIGURATION c",
        ),
        change(
            "CREATE TEXT SEARCH CONFIGURATION COPY",
            "CREATE TEXT SEARCH CONFIGURATION c (COPY = pg_catalog.german)",
            "DROP TEXT SEARCH CONFIGURATION c",
        ),
        change(
            "DROP TEXT SEARCH CONFIGURATION",
            "DROP TEXT SEARCH CONFIGURATION filled",
            "CREATE TEXT SEARCH CONFIGURATION filled (COPY = pg_catalog.english)",
        ),
        change(
            "ALTER TEXT SEARCH CONFIGURATION ADD MAPPING",
            "ALTER TEXT SEARCH CONFIGURATION bare ADD MAPPING FOR asciiword, word WITH stemming, plain",
            "ALTER TEXT SEARCH CONFIGURATION bare DROP MAPPING FOR asciiword, word",
        ),
        change(
            "ALTER TEXT SEARCH CONFIGURATION ALTER MAPPING",
            "ALTER TEXT SEARCH CONFIGURATION filled ALTER MAPPING FOR asciiword WITH plain",
            "ALTER TEXT SEARCH CONFIGURATION filled ALTER MAPPING FOR asciiword WITH english_stem",
        ),
        change(
            "ALTER TEXT SEARCH CONFIGURATION ALTER MAPPING REPLACE",
            "ALTER TEXT SEARCH CONFIGURATION filled ALTER MAPPING REPLACE english_stem WITH stemming",
            "ALTER TEXT SEARCH CONFIGURATION filled ALTER MAPPING REPLACE stemming WITH english_stem",
        ),
        change(
            "ALTER TEXT SEARCH CONFIGURATION ALTER MAPPING FOR REPLACE",
            "ALTER TEXT SEARCH CONFIGURATION filled ALTER MAPPING FOR email REPLACE simple WITH plain",
            "ALTER TEXT SEARCH CONFIGURATION filled ALTER MAPPING FOR email REPLACE plain WITH simple",
        ),
        change(
            "ALTER TEXT SEARCH CONFIGURATION ALTER MAPPING in another order",
            "ALTER TEXT SEARCH CONFIGURATION filled ALTER MAPPING FOR url WITH plain, simple",
            "ALTER TEXT SEARCH CONFIGURATION filled ALTER MAPPING FOR url WITH simple",
        ),
        change(
            "ALTER TEXT SEARCH CONFIGURATION DROP MAPPING",
            "ALTER TEXT SEARCH CONFIGURATION filled DROP MAPPING FOR email",
            "ALTER TEXT SEARCH CONFIGURATION filled ADD MAPPING FOR email WITH simple",
        ),
        change(
            "ALTER TEXT SEARCH CONFIGURATION RENAME TO",
            "ALTER TEXT SEARCH CONFIGURATION bare RENAME TO c",
            "ALTER TEXT SEARCH CONFIGURATION c RENAME TO bare",
        ),
        change(
            "ALTER TEXT SEARCH CONFIGURATION OWNER TO",
            "ALTER TEXT SEARCH CONFIGURATION bare OWNER TO ddl_alice",
            "ALTER TEXT SEARCH CONFIGURATION bare OWNER TO postgres",
        ),
        change(
            "ALTER TEXT SEARCH CONFIGURATION SET SCHEMA",
            "ALTER TEXT SEARCH CONFIGURATION bare SET SCHEMA text_search_elsewhere",
            "ALTER TEXT SEARCH CONFIGURATION text_search_elsewhere.bare SET SCHEMA text_search",
        ),
        change(
            "COMMENT ON TEXT SEARCH CONFIGURATION",
            "COMMENT ON TEXT SEARCH CONFIGURATION bare IS 'bare'",
            "COMMENT ON TEXT SEARCH CONFIGURATION bare IS NULL",
        ),
        change(
            "CREATE TEXT SEARCH DICTIONARY",
            "CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, Accept = false)",
            "DROP TEXT SEARCH DICTIONARY d",
        ),
        change(
            "DROP TEXT SEARCH DICTIONARY",
            "DROP TEXT SEARCH DICTIONARY stemming",
            "CREATE TEXT SEARCH DICTIONARY stemming (TEMPLATE = snowball, Language = english, StopWords = english)",
        ),
        change(
            "ALTER TEXT SEARCH DICTIONARY",
            "ALTER TEXT SEARCH DICTIONARY plain (Accept = true)",
            "ALTER TEXT SEARCH DICTIONARY plain (Accept)",
        ),
        change(
            "ALTER TEXT SEARCH DICTIONARY, another value",
            "ALTER TEXT SEARCH DICTIONARY stemming (StopWords = german)",
            "ALTER TEXT SEARCH DICTIONARY stemming (StopWords = english)",
        ),
        change(
            "ALTER TEXT SEARCH DICTIONARY RENAME TO",
            "ALTER TEXT SEARCH DICTIONARY plain RENAME TO d",
            "ALTER TEXT SEARCH DICTIONARY d RENAME TO plain",
        ),
        change(
            "ALTER TEXT SEARCH DICTIONARY OWNER TO",
            "ALTER TEXT SEARCH DICTIONARY plain OWNER TO ddl_alice",
            "ALTER TEXT SEARCH DICTIONARY plain OWNER TO postgres",
        ),
        change(
            "ALTER TEXT SEARCH DICTIONARY SET SCHEMA",
            "ALTER TEXT SEARCH DICTIONARY plain SET SCHEMA text_search_elsewhere",
            "ALTER TEXT SEARCH DICTIONARY text_search_elsewhere.plain SET SCHEMA text_search",
        ),
        change(
            "COMMENT ON TEXT SEARCH DICTIONARY",
            "COMMENT ON TEXT SEARCH DICTIONARY plain IS 'plain'",
            "COMMENT ON TEXT SEARCH DICTIONARY plain IS NULL",
        ),
        change(
            "CREATE TEXT SEARCH PARSER",
            "CREATE TEXT SEARCH PARSER p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)",
            "DROP TEXT SEARCH PARSER p",
        ),
        change(
            "CREATE TEXT SEARCH PARSER without HEADLINE",
            "DROP TEXT SEARCH PARSER words; CREATE TEXT SEARCH PARSER words (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)",
            "DROP TEXT SEARCH PARSER words; CREATE TEXT SEARCH PARSER words (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline)",
        ),
        change(
            "ALTER TEXT SEARCH PARSER RENAME TO",
            "ALTER TEXT SEARCH PARSER words RENAME TO p",
            "ALTER TEXT SEARCH PARSER p RENAME TO words",
        ),
        change(
            "ALTER TEXT SEARCH PARSER SET SCHEMA",
            "ALTER TEXT SEARCH PARSER words SET SCHEMA text_search_elsewhere",
            "ALTER TEXT SEARCH PARSER text_search_elsewhere.words SET SCHEMA text_search",
        ),
        change(
            "COMMENT ON TEXT SEARCH PARSER",
            "COMMENT ON TEXT SEARCH PARSER words IS 'words'",
            "COMMENT ON TEXT SEARCH PARSER words IS NULL",
        ),
        change(
            "CREATE TEXT SEARCH TEMPLATE",
            "CREATE TEXT SEARCH TEMPLATE t (LEXIZE = dsimple_lexize)",
            "DROP TEXT SEARCH TEMPLATE t",
        ),
        change(
            "CREATE TEXT SEARCH TEMPLATE INIT of another",
            "DROP TEXT SEARCH TEMPLATE easy; CREATE TEXT SEARCH TEMPLATE easy (INIT = dsynonym_init, LEXIZE = dsimple_lexize)",
            "DROP TEXT SEARCH TEMPLATE easy; CREATE TEXT SEARCH TEMPLATE easy (INIT = dsimple_init, LEXIZE = dsimple_lexize)",
        ),
        change(
            "ALTER TEXT SEARCH TEMPLATE RENAME TO",
            "ALTER TEXT SEARCH TEMPLATE easy RENAME TO t",
            "ALTER TEXT SEARCH TEMPLATE t RENAME TO easy",
        ),
        change(
            "ALTER TEXT SEARCH TEMPLATE SET SCHEMA",
            "ALTER TEXT SEARCH TEMPLATE easy SET SCHEMA text_search_elsewhere",
            "ALTER TEXT SEARCH TEMPLATE text_search_elsewhere.easy SET SCHEMA text_search",
        ),
        change(
            "COMMENT ON TEXT SEARCH TEMPLATE",
            "COMMENT ON TEXT SEARCH TEMPLATE easy IS 'easy'",
            "COMMENT ON TEXT SEARCH TEMPLATE easy IS NULL",
        ),
    ],
};
