//! Tests of the splitter: PostgreSQL's corner cases, broken texts, and the invariants on anything.

use super::*;
use crate::StatementKind::*;

/// The statements' texts; the invariants hold.
fn pieces(text: &str) -> Vec<&str> {
    let split = split(text).unwrap_or_else(|(at, reason)| panic!("{text:?} at {at}: {reason}"));
    let mut at = 0;
    for piece in &split.pieces {
        assert!(at <= piece.start && piece.start < piece.end, "{text:?}: {piece:?}");
        at = piece.semicolon.map_or(piece.end, |semicolon| semicolon + 1);
        assert!(at >= piece.end);
        let alone = self::split(&text[piece.start..piece.end]).unwrap();
        let [alone] = alone.pieces[..] else { panic!("{text:?}: {piece:?} is not one statement") };
        assert_eq!((alone.start, alone.end, alone.semicolon), (0, piece.end - piece.start, None), "{text:?}");
    }
    split.pieces.iter().map(|piece| &text[piece.start..piece.end]).collect()
}

fn refusal(text: &str) -> (usize, Reason) {
    split(text).expect_err(text)
}

#[test]
fn semicolons_end_statements() {
    assert_eq!(pieces("SELECT 1; ;; SELECT 2 -- x\n"), ["SELECT 1", "SELECT 2"]);
    assert_eq!(pieces(""), [""; 0]);
    assert_eq!(pieces(" ;; /* x; */ -- y;\n"), [""; 0]);
    assert_eq!(pieces("/* a */ SELECT ';' /* b */ ; -- c\nSELECT 2"), ["SELECT ';'", "SELECT 2"]);
}

#[test]
fn function_bodies_in_sql() {
    let function = "CREATE OR REPLACE FUNCTION f(a int DEFAULT (1)) RETURNS int LANGUAGE sql BEGIN ATOMIC \
                    SELECT CASE WHEN a > 1 THEN CASE a WHEN 2 THEN 3 END ELSE 4 END; SELECT 1 AS end; \
                    SELECT 2 end; SELECT t.end FROM t; ; SELECT (CASE WHEN true THEN 1 END); END";
    assert_eq!(pieces(&format!("{function}; SELECT 1;")), [function, "SELECT 1"]);
    let empty = "create procedure p() begin /* x */ atomic end";
    assert_eq!(pieces(&format!("{empty};{empty}")), [empty, empty]);
    let nested = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC CREATE FUNCTION g() RETURNS int BEGIN ATOMIC \
                  SELECT 1; END; CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); END";
    assert_eq!(pieces(&format!("{nested};SELECT 1")), [nested, "SELECT 1"]);
    let names = "CREATE FUNCTION begin(begin int, atomic int) RETURNS begin LANGUAGE sql AS 'SELECT 1'";
    assert_eq!(pieces(&format!("{names};SELECT 1")), [names, "SELECT 1"]);
}

#[test]
fn begin_atomic_is_two_names_anywhere_else() {
    assert_eq!(pieces("SELECT * FROM begin atomic; SELECT 1"), ["SELECT * FROM begin atomic", "SELECT 1"]);
    let schema = "CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT * FROM begin atomic";
    assert_eq!(pieces(&format!("{schema}; END; SELECT 1")), [schema, "END", "SELECT 1"]);
}

#[test]
fn schemas_with_elements() {
    let schema = "CREATE SCHEMA IF NOT EXISTS s AUTHORIZATION a CREATE TABLE t (a int) CREATE FUNCTION f() RETURNS int \
                  BEGIN ATOMIC SELECT 1; END CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT 2; SELECT 3; END \
                  GRANT SELECT ON t TO b";
    assert_eq!(pieces(&format!("{schema}; SELECT 1")), [schema, "SELECT 1"]);
}

#[test]
fn rules_with_several_commands() {
    let rule =
        "CREATE OR REPLACE RULE r AS ON UPDATE TO t DO ALSO (DELETE FROM a WHERE (b = 1); ; SELECT (2);)";
    assert_eq!(pieces(&format!("{rule}; SELECT 1")), [rule, "SELECT 1"]);
    assert_eq!(pieces("CREATE RULE r AS ON INSERT TO t DO NOTHING; SELECT 1").len(), 2);
}

#[test]
fn copy_takes_its_data_with_it() {
    let text = "COPY a FROM STDIN; -- two rows\n1;\n'2\n\\.\nSELECT 1;\nCOPY b FROM STDIN WITH (FORMAT csv);\n\\.\nSELECT 2";
    assert_eq!(
        pieces(text),
        ["COPY a FROM STDIN", "SELECT 1", "COPY b FROM STDIN WITH (FORMAT csv)", "SELECT 2"]
    );
    let data = |text: &str| match split(text).unwrap().pieces[0].kind {
        CopyFromStdin { data_start, data_end } => text[data_start..data_end].to_owned(),
        kind => panic!("{kind:?}"),
    };
    assert_eq!(data(text), "1;\n'2\n");
    assert_eq!(data("COPY a FROM STDIN;\n  \\.\n\\.x\n\\.\r\nSELECT 1"), "  \\.\n\\.x\n");
    assert_eq!(data("COPY a FROM STDIN;\n1\n2"), "1\n2");
    assert_eq!(data("COPY a FROM STDIN;"), "");
    assert_eq!(data("COPY a FROM STDIN"), "");
    assert_eq!(data("COPY a FROM STDIN;\n\\."), "");
    assert_eq!(refusal("COPY a FROM STDIN; SELECT 1;\n1\n\\.\n"), (19, Reason::CopyLine));
    assert_eq!(refusal("COPY a FROM STDIN; 'x"), (19, Reason::CopyLine));
}

#[test]
fn lines_of_pg_dump_are_dropped() {
    let text = "-- dump\n\\restrict aB1\n\nSELECT 1;\n  \\unrestrict aB1\nSELECT 2";
    assert_eq!(pieces(text), ["SELECT 1", "SELECT 2"]);
    let dropped: Vec<_> =
        split(text).unwrap().dropped.iter().map(|&(start, end)| &text[start..end]).collect();
    assert_eq!(dropped, ["\\restrict aB1", "\\unrestrict aB1"]);
}

#[test]
fn meta_commands_are_refused_by_name() {
    for (text, at, name) in [
        ("\\i a.sql", 0, "i"),
        ("SELECT 1;\n\\set a 'b;'\nSELECT 2", 10, "set"),
        ("SELECT 1 \\gexec\n", 9, "gexec"),
        ("SELECT 1 \\; SELECT 2", 9, ";"),
        ("\\c\n", 0, "c"),
        ("SELECT 1;\n\\.\n", 10, "."),
        ("\\!ls", 0, "!"),
        ("\\", 0, ""),
        ("\\é", 0, "é"),
        ("SELECT 1; \\restrict a\n", 10, "restrict"),
        ("SELECT\n\\restrict a\n", 7, "restrict"),
        ("\\restrict a; SELECT 1\n", 0, "restrict"),
        ("\\copy a from 'b'", 0, "copy"),
    ] {
        assert_eq!(refusal(text), (at, Reason::MetaCommand { command: name.to_owned() }), "{text}");
    }
}

#[test]
fn psql_variables_are_refused_where_they_are_certain() {
    for (text, at, variable) in [
        ("SELECT :'a'", 7, ":'a'"),
        ("INSERT INTO a VALUES (:'b', 1)", 22, ":'b'"),
        ("INSERT INTO a VALUES (1, :b)", 25, ":b"),
        ("DELETE FROM :\"a b\"", 12, ":\"a b\""),
        ("SELECT 1 WHERE a =:a_1;", 18, ":a_1"),
        ("SELECT (:'b'::int)", 8, ":'b'"),
    ] {
        assert_eq!(refusal(text), (at, Reason::Variable { variable: variable.to_owned() }), "{text}");
    }
    for text in [
        "SELECT a[1:2], a[:'2'], a[:b], a[b:c], '1'::text, '1'::\"text\", a::int",
        "SELECT json_object('a':'b', c:\"d\"), f(a := 1, b:=2)",
        "SELECT ':a', \":b\", $$:c$$ -- :'d'",
        ":",
    ] {
        assert!(split(text).is_ok(), "{text}");
    }
}

#[test]
fn what_is_not_terminated_is_refused_where_it_starts() {
    for (text, at, terminator) in [
        ("SELECT 'a;", 7, "'"),
        ("SELECT 1; SELECT E'\\';", 17, "'"),
        ("SELECT \"a;", 7, "\""),
        ("SELECT 1 /* /* */ ;", 9, "*/"),
        ("/*", 0, "*/"),
        ("SELECT $a$ $b$;", 7, "$a$"),
        ("SELECT $$;", 7, "$$"),
        ("SELECT E'a'\n'b\\';", 12, "'"),
    ] {
        let (found, reason) = refusal(text);
        assert_eq!(found, at, "{text}");
        let Reason::Unterminated { terminator: named, .. } = reason else { panic!("{text}: {reason}") };
        assert_eq!(named, terminator, "{text}");
    }
    assert_eq!(refusal("CREATE TABLE a (b int; SELECT 1);"), (15, Reason::UnclosedParenthesis));
    assert_eq!(refusal("SELECT (1"), (7, Reason::UnclosedParenthesis));
    assert_eq!(
        refusal("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2"),
        (35, Reason::UnclosedParenthesis)
    );
    assert_eq!(
        refusal("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1 END; SELECT 2"),
        (20, Reason::UnterminatedBody)
    );
    assert_eq!(refusal("CREATE FUNCTION f() BEGIN ATOMIC"), (20, Reason::UnterminatedBody));
}

#[test]
fn directives_are_found_with_their_place() {
    let text =
        "/* a */ -- migrate: no-transaction\n;-- migrate: allow a b\nSELECT '-- migrate: c'; -- migrate: d";
    let found: Vec<_> =
        split(text).unwrap().directives.iter().map(|c| (&text[c.start..c.end], c.in_head)).collect();
    let expected =
        [("-- migrate: no-transaction", true), ("-- migrate: allow a b", true), ("-- migrate: d", false)];
    assert_eq!(found, expected);
    let text = "COPY a FROM STDIN; -- migrate: no-transaction\n-- migrate: x\n\\.\n";
    assert_eq!(split(text).unwrap().directives.len(), 1);
}

/// Fact 25 of the reliability notes: psql sends exactly these statements of the file.
#[test]
fn the_torture_file() {
    let text = include_str!("../../../testdata/split.sql");
    let pieces = pieces(text);
    let first_words: Vec<_> = pieces
        .iter()
        .map(|piece| piece.split_ascii_whitespace().take(3).collect::<Vec<_>>().join(" "))
        .collect();
    insta::assert_debug_snapshot!(first_words);
}

/// Every cut of the torture file is refused, or is the same statements up to a last one that is cut.
#[test]
fn a_file_cut_at_any_byte() {
    let text = include_str!("../../../testdata/split.sql");
    let whole = split(text).unwrap().pieces;
    let tokens: Vec<_> = Lexer::new(text).collect();
    let data = text.find("-- data follows").unwrap();
    let mut refused = 0;
    for cut in (0..text.len()).filter(|&cut| text.is_char_boundary(cut)) {
        let piece = &text[..cut];
        match split(piece) {
            Err(_) => refused += 1,
            Ok(split) => {
                // No cut inside a quote passes. Behind the data of a COPY the bare lexer knows nothing.
                let inside = tokens.iter().find(|token| token.start < cut && cut < token.end);
                if let Some(token) = inside.filter(|_| cut < data) {
                    let prefix = Lexer::new(&text[token.start..cut]).next().unwrap();
                    assert_eq!(unterminated(prefix, &text[token.start..cut]), None, "cut at {cut}");
                }
                let complete = split.pieces.len().saturating_sub(1);
                for (found, whole) in split.pieces[..complete].iter().zip(&whole) {
                    assert_eq!((found.start, found.end), (whole.start, whole.end), "cut at {cut}");
                }
            }
        }
    }
    assert!(refused > text.len() / 4, "{refused}");
}

/// Texts that are slow where something looks ahead or back too far. The limit only tells linear from quadratic. With
/// `SPLITTER_TIMES` set, in a release build, it prints what a megabyte of each takes: 10 to 40 ms.
#[test]
fn anything_is_read_in_linear_time() {
    let show = std::env::var_os("SPLITTER_TIMES").is_some();
    let size = if show { 1 << 20 } else { 1 << 16 };
    let units = [
        "(",
        "[",
        ";",
        "'",
        "$a",
        "$a$b",
        "$$",
        "/*",
        "/**/",
        "--\n",
        "E''\n",
        "E'' --\n",
        "E'\\''\n'",
        "\"",
        "U&\"\"",
        ":",
        "::",
        ":'a' ",
        "::'",
        "a ",
        "1.",
        "1e",
        "\n",
        "-",
        "\u{feff}",
        "é",
        "BEGIN ATOMIC ",
        "END ",
        "CREATE RULE a (;",
        "CREATE FUNCTION f() BEGIN ATOMIC ",
        "CREATE SCHEMA a CREATE ",
        "COPY a FROM STDIN;\n\\.\n",
        "COPY a FROM STDIN;\n",
        "\\restrict a\n",
        "ALTER TABLE a, ",
        "CREATE SUBSCRIPTION WITH ",
        "CREATE SUBSCRIPTION a WITH ((",
        "-- migrate: a\n",
        "$a$ $b$ ",
        "'a'\n",
        "password ",
        "password='",
        "://",
        "://a:@",
    ];
    for unit in units {
        for start in ["", "E'a' ", "'", "CREATE SUBSCRIPTION a "] {
            let mut text = start.to_owned();
            text.extend(std::iter::repeat_n(unit, size / unit.len()));
            let begin = std::time::Instant::now();
            let _ = split(&text);
            let took = begin.elapsed();
            let _ = crate::sql::mask_secrets(&text);
            let _ = crate::sql::concurrent_target(&text);
            if show {
                println!("{took:>10.1?} {start:?} {unit:?} (with the rest {:.1?})", begin.elapsed());
            }
            let took = begin.elapsed();
            assert!(took.as_secs() < 5, "{took:?} for {start:?} and {unit:?}");
        }
    }
}

/// Found with psql as the oracle: it sends six statements of this file, and the server reads three.
#[test]
fn a_continued_escape_string() {
    let text = include_str!("../../../testdata/continued_escape_string.sql");
    let ends: Vec<_> = pieces(text).iter().map(|piece| piece.rsplit('\n').next().unwrap()).collect();
    assert_eq!(ends, ["  '\\\\'", "'\\';'", "'\\'"]);
}
