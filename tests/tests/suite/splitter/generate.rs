//! Texts that are nearly SQL: token soups, statements from a small grammar, and mutations of the corpus.

use super::random::Random;

/// One text.
pub fn text(random: &mut Random, corpus: &[String]) -> String {
    match random.below(10) {
        0..=2 => soup(random),
        3..=5 => script(random),
        6 => {
            let text = script(random);
            mutate(random, text, corpus)
        }
        _ => {
            let text = slice(random, corpus);
            mutate(random, text, corpus)
        }
    }
}

/// What is hard about PostgreSQL's tokens, in pieces that can meet.
const TOKENS: &[&str] = &[
    "'",
    "''",
    "'a'",
    "'a;'",
    "E'",
    "E'a\\'",
    "e'\\\\'",
    "U&'",
    "U&'\\0061'",
    "B'1'",
    "x'F'",
    "N'a'",
    "\"",
    "\"a;\"",
    "U&\"a\"",
    "$$",
    "$a$",
    "$_1$",
    "$größe$",
    "$",
    "$1",
    "a$b$c",
    "a",
    "name",
    "é",
    "\u{feff}",
    "\u{a0}",
    "--",
    "-- a;\n",
    "--\r",
    "/*",
    "*/",
    "/**/",
    "/*;*/",
    "-",
    "+",
    "*",
    "/",
    "<",
    "=",
    "@",
    "|",
    "?",
    "!",
    "::",
    ":=",
    ":",
    ".",
    "..",
    "1",
    "1.",
    ".5",
    "1e5",
    "1e",
    "0x1F",
    "1_000",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    ";",
    ";",
    "\n",
    "\r",
    "\t",
    " ",
    "\u{b}",
    "\u{c}",
    "\\",
    "BEGIN",
    "ATOMIC",
    "END",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "CREATE",
    "OR",
    "REPLACE",
    "FUNCTION",
    "PROCEDURE",
    "RULE",
    "SCHEMA",
    "SELECT",
    "AS",
    "COPY",
    "FROM",
    "STDIN",
    "\n\\.\n",
    "COMMIT",
    "UESCAPE",
    "RETURN",
    "DO",
    "{",
    "}",
    "`",
    "%",
    "#",
    "^",
    "~",
    "&",
];

fn soup(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..1 + random.below(24) {
        text.push_str(random.choose(TOKENS));
        if !random.one_in(3) {
            text.push(' ');
        }
    }
    text
}

/// Statements that PostgreSQL takes, most of the time.
fn script(random: &mut Random) -> String {
    let mut text = trivia(random);
    for _ in 0..1 + random.below(4) {
        text.push_str(&statement(random, 0));
        text.push_str(&trivia(random));
        text.push(';');
        text.push_str(&trivia(random));
    }
    if random.one_in(3) {
        text.push_str(&statement(random, 0));
    }
    text
}

fn trivia(random: &mut Random) -> String {
    let parts = [" ", "\n", "\t", "\r\n", "-- a;'\n", "/* ; */", "/* /* ' */ ; */", "--\n", " -- $$ \"\r"];
    (0..random.below(3)).map(|_| random.choose(&parts)).collect()
}

fn blank(random: &mut Random) -> String {
    let blank = trivia(random);
    if blank.is_empty() || blank.starts_with('-') { format!(" {blank}") } else { blank }
}

fn statement(random: &mut Random, depth: usize) -> String {
    let words: Vec<String> = match random.below(if depth > 2 { 4 } else { 13 }) {
        0..=2 => vec!["SELECT".into(), expression(random, depth), label(random)],
        3 => vec!["INSERT INTO t VALUES (".into(), expression(random, depth), ")".into()],
        4 => vec!["DO".into(), string(random)],
        5 | 6 => routine(random, depth),
        7 => rule(random, depth),
        8 => vec!["SELECT * FROM begin atomic".into()],
        9 => vec![
            "CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT".into(),
            expression(random, depth),
            "FROM begin atomic".into(),
        ],
        10 => vec![
            "CREATE FUNCTION begin(begin int, atomic int) RETURNS begin LANGUAGE sql AS".into(),
            string(random),
        ],
        11 => {
            let controls = [
                "BEGIN",
                "END",
                "COMMIT",
                "ROLLBACK TO a",
                "BEGIN ISOLATION LEVEL SERIALIZABLE",
                "END AND CHAIN",
            ];
            vec![random.choose(&controls).into()]
        }
        _ => {
            let names = ["a$b$c", "\"a;b\"", "U&\"\\0061;\"", "é$1$", "name", "begin", "atomic"];
            vec![
                "CREATE TABLE".into(),
                random.choose(&names).into(),
                "(a int DEFAULT".into(),
                expression(random, depth),
                ")".into(),
            ]
        }
    };
    let mut text = String::new();
    for word in words {
        text.push_str(&word);
        text.push_str(&blank(random));
    }
    text
}

fn routine(random: &mut Random, depth: usize) -> Vec<String> {
    let heads = [
        "CREATE FUNCTION f() RETURNS int",
        "CREATE OR REPLACE FUNCTION f(a int DEFAULT (1)) RETURNS TABLE (b int) LANGUAGE sql",
        "create procedure p(begin int)",
        "CREATE OR REPLACE PROCEDURE atomic() SET search_path TO begin",
    ];
    let mut words = vec![random.choose(&heads).to_owned()];
    if random.one_in(4) {
        words.extend(["RETURN".to_owned(), expression(random, depth)]);
        return words;
    }
    words.extend(["BEGIN".to_owned(), "ATOMIC".to_owned()]);
    for _ in 0..random.below(4) {
        words.push(if random.one_in(6) { String::new() } else { statement(random, depth + 1) });
        words.push(";".to_owned());
    }
    words.push("END".to_owned());
    words
}

fn rule(random: &mut Random, depth: usize) -> Vec<String> {
    let mut words = vec!["CREATE RULE r AS ON INSERT TO t DO ALSO (".to_owned()];
    for _ in 0..1 + random.below(3) {
        words.extend(["SELECT".to_owned(), expression(random, depth + 1), ";".to_owned()]);
    }
    words.push(")".to_owned());
    words
}

fn label(random: &mut Random) -> String {
    let labels =
        ["", "", "AS a", "end", "AS end", "AS case", "AS begin", "a", "AS atomic", "FROM t AS begin", "case"];
    random.choose(&labels).to_owned()
}

fn expression(random: &mut Random, depth: usize) -> String {
    if depth > 3 {
        return string(random);
    }
    match random.below(10) {
        0..=2 => string(random),
        3 => random
            .choose(&["1", "1.", ".5", "1e5", "$1", "t.end", "a$b$c", "name'x\\'", "\"a;\"", "t.case"])
            .to_owned(),
        4 => {
            format!("CASE WHEN {} THEN {} END", expression(random, depth + 1), expression(random, depth + 1))
        }
        5 => format!("CASE {} WHEN 1 THEN 2 ELSE 3 END", expression(random, depth + 1)),
        6 => format!("({}{})", expression(random, depth + 1), blank(random)),
        7 => {
            let operators = ["+", "||", "=-", "*", "<>", "@>", "?|", "|/", "::text ||", "- -"];
            let operator = random.choose(&operators);
            format!(
                "{}{operator}{}{}",
                expression(random, depth + 1),
                trivia(random),
                expression(random, depth + 1)
            )
        }
        8 => format!("a[{}:{}]", expression(random, depth + 1), expression(random, depth + 1)),
        _ => format!("f(a := {}, b => {})", expression(random, depth + 1), expression(random, depth + 1)),
    }
}

fn string(random: &mut Random) -> String {
    let parts =
        ["a", ";", "''", "--", "/*", "$", "$a", "\"", "\n", "é", "BEGIN ATOMIC", "\\\\", ":'a'", "\u{feff}"];
    let contents: String = (0..random.below(4)).map(|_| random.choose(&parts)).collect();
    match random.below(9) {
        0 | 1 => format!("'{contents}'"),
        2 => format!("E'{contents}\\'{contents}'"),
        3 => format!("e'{contents}'{}'\\';{contents}'", continuation(random)),
        4 => format!("'{contents}'{}'{contents}\\'", continuation(random)),
        5 => format!("U&'{}'", contents.replace('\\', "")),
        6 => format!("$q${contents}$q${contents}$q$").replace("$q$$q$$q$", "$q$$q$"),
        7 => format!("$größe${}$größe$", contents.replace('$', "$1")),
        _ => format!("{}'101'", random.choose(&["b", "X", "N", "n"])),
    }
}

fn continuation(random: &mut Random) -> &'static str {
    const BETWEEN: [&str; 7] = ["\n", " \n ", "\r", " -- it's\n", "\n--;\n\t", " ", "\n/**/"];
    random.choose(&BETWEEN)
}

fn slice(random: &mut Random, corpus: &[String]) -> String {
    let text = &corpus[random.below(corpus.len())];
    // A few hundred bytes, from the start of a line, so that a statement is there from its start.
    let start = random.boundary(text);
    let start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let mut end = (start + 1 + random.below(800)).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let end = if random.one_in(4) { end } else { text[end..].find(";\n").map_or(end, |at| end + at + 1) };
    text[start..end].to_owned()
}

fn mutate(random: &mut Random, mut text: String, corpus: &[String]) -> String {
    for _ in 0..random.below(4) {
        let (a, b) = (random.boundary(&text), random.boundary(&text));
        let (start, end) = (a.min(b), a.max(b).min(a.min(b) + 20));
        let end = (start..=end).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(start);
        match random.below(6) {
            0 => text.insert_str(start, random.choose(TOKENS)),
            1 => text.replace_range(start..end, ""),
            2 => text.replace_range(start..end, random.choose(TOKENS)),
            3 => {
                let copy = text[start..end].to_owned();
                text.insert_str(random.boundary(&text), &copy);
            }
            4 => text.insert_str(start, &slice(random, corpus)),
            _ => text.insert_str(start, &statement(random, 0)),
        }
    }
    text
}
