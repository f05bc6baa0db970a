//! What PostgreSQL does without writing a row: changes of type that keep the bytes, defaults that are computed once.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::tree::plain;

/// Whether a column of the first type becomes one of the second without a row being written.
///
/// `ATColumnChangeRequiresRewrite` in tablecmds.c: the types are binary coercible, or a length function of a type says
/// that it has nothing to do (`varchar_support`, `numeric_support`, `timestamp_support` …). Both as they were written, in
/// lower case. What is not known counts as a rewrite.
pub(crate) fn keeps_rows(from: &str, to: &str) -> bool {
    let (Some((from, old)), Some((to, new))) = (taken_apart(from), taken_apart(to)) else { return false };
    match (from.as_str(), to.as_str()) {
        _ if from == to && old == new => true,
        ("varchar" | "varbit", _) if from == to => match (old.as_slice(), new.as_slice()) {
            (_, []) => true,
            ([old], [new]) => new >= old,
            _ => false,
        },
        ("varchar", "text") => true,
        ("text", "varchar") => new.is_empty(),
        ("numeric", "numeric") => match (old.as_slice(), new.as_slice()) {
            (_, []) => true,
            ([old], [new]) => new >= old,
            ([old, scale], [new, same]) => scale == same && new >= old,
            ([old], [new, 0]) | ([old, 0], [new]) => new >= old,
            _ => false,
        },
        ("timestamp" | "timestamptz" | "time" | "timetz", _) if from == to => {
            // Six digits are all that there are.
            let digits = |given: &[u32]| given.first().copied().unwrap_or(6);
            digits(&new) >= digits(&old)
        }
        ("cidr", "inet") => true,
        _ => false,
    }
}

/// The same for types that differ only in what the time zone of the session makes of them: where that is UTC, nothing
/// (`TimestampTimestampTzRequiresRewrite` in timestamp.c).
pub(crate) fn keeps_rows_in_utc(from: &str, to: &str) -> bool {
    let (Some((from, old)), Some((to, new))) = (taken_apart(from), taken_apart(to)) else { return false };
    matches!((from.as_str(), to.as_str()), ("timestamp", "timestamptz") | ("timestamptz", "timestamp"))
        && old == new
}

/// A type's usual name and its numbers: `character varying (10)` → `varchar`, `[10]`.
fn taken_apart(written: &str) -> Option<(String, Vec<u32>)> {
    let mut name = written.replace("pg_catalog.", "");
    let mut numbers = Vec::new();
    if let Some(open) = name.find('(') {
        let close = name[open..].find(')')? + open;
        for number in name[open + 1..close].split(',') {
            numbers.push(number.trim().parse().ok()?);
        }
        name.replace_range(open..=close, "");
    }
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let usual = match name.as_str() {
        "character varying" | "char varying" | "national character varying" | "nchar varying" => "varchar",
        "bit varying" => "varbit",
        "decimal" | "dec" => "numeric",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        "time with time zone" => "timetz",
        "time without time zone" => "time",
        "int" | "int4" => "integer",
        "int8" => "bigint",
        "int2" => "smallint",
        "bool" => "boolean",
        other => other,
    };
    Some((usual.to_owned(), numbers))
}

/// Functions that are computed once for a statement, or always give the same for the same: those that people write in
/// defaults. What is not among them is left to squawk's own list, and to its doubt.
const STABLE: &[&str] = &[
    "now",
    "timezone",
    "date_trunc",
    "date_part",
    "extract",
    "to_timestamp",
    "to_char",
    "to_date",
    "make_date",
    "make_interval",
    "make_timestamptz",
    "make_timestamp",
    "age",
    "statement_timestamp",
    "transaction_timestamp",
    "current_setting",
    "current_database",
    "current_schema",
    "current_user",
    "session_user",
    "lower",
    "upper",
    "trim",
    "btrim",
    "concat",
    "replace",
    "repeat",
    "md5",
    "sha256",
    "encode",
    "decode",
    "convert_to",
    "length",
    "left",
    "right",
    "lpad",
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "abs",
    "round",
    "floor",
    "ceil",
    "power",
    "array_fill",
    "jsonb_build_object",
    "json_build_object",
    "jsonb_build_array",
    "json_build_array",
    "to_json",
    "to_jsonb",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
    "to_tsvector",
    "point",
    "inet",
];

/// Whether a default is the same for all rows, beyond what squawk knows: signs, parentheses, `CURRENT_DATE`, calls with
/// arguments.
pub(crate) fn is_stable(expression: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    match expression.kind() {
        K::LITERAL | K::ARRAY_EXPR => true,
        K::NAME_REF => {
            let text = plain(expression);
            matches!(
                text.as_str(),
                "current_date"
                    | "current_time"
                    | "current_timestamp"
                    | "localtime"
                    | "localtimestamp"
                    | "current_user"
                    | "current_role"
                    | "session_user"
                    | "user"
                    | "current_catalog"
                    | "current_schema"
            )
        }
        K::CALL_EXPR => {
            let mut parts = expression.children();
            let Some(called) = parts.next() else { return false };
            let called = plain(&called);
            let known = called.strip_prefix("pg_catalog.").unwrap_or(&called);
            STABLE.contains(&known) && parts.flat_map(|part| operands(&part)).all(|part| is_stable(&part))
        }
        K::PREFIX_EXPR
        | K::PAREN_EXPR
        | K::BIN_EXPR
        | K::CAST_EXPR
        | K::COLLATE
        | K::POSTFIX_EXPR
        | K::ARG => operands(expression).iter().all(is_stable),
        _ => false,
    }
}

/// The expressions in a node, without types, operators and lists around them.
fn operands(node: &SyntaxNode) -> Vec<SyntaxNode> {
    node.children()
        .flat_map(|part| match part.kind() {
            SyntaxKind::ARG_LIST | SyntaxKind::ARG => operands(&part),
            _ => vec![part],
        })
        .filter(|part| {
            let kind = format!("{:?}", part.kind());
            let is_expression = kind.ends_with("_EXPR")
                || matches!(part.kind(), SyntaxKind::LITERAL | SyntaxKind::NAME_REF | SyntaxKind::COLLATE);
            is_expression
                || !(kind.ends_with("_TYPE")
                    || kind.contains("COLON")
                    || kind.contains("AT_TIME_ZONE")
                    || kind.contains("OP")
                    || kind.contains("COLLATION"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use squawk_syntax::SourceFile;

    use super::*;

    #[test]
    fn types_that_keep_their_rows() {
        for (from, to) in [
            ("varchar(10)", "varchar(20)"),
            ("character varying (10)", "varchar"),
            ("varchar(10)", "text"),
            ("text", "varchar"),
            ("numeric(10,2)", "numeric(12, 2)"),
            ("decimal(10)", "numeric"),
            ("timestamp(3)", "timestamp(6)"),
            ("timestamp(3)", "timestamp without time zone"),
            ("cidr", "inet"),
            ("int", "integer"),
        ] {
            assert!(keeps_rows(from, to), "{from} → {to}");
        }
        for (from, to) in [
            ("varchar(20)", "varchar(10)"),
            ("text", "varchar(10)"),
            ("integer", "bigint"),
            ("numeric(10,2)", "numeric(12,3)"),
            ("numeric(10,2)", "numeric(8,2)"),
            ("timestamp", "timestamptz"),
            ("timestamp(6)", "timestamp(3)"),
            ("char(5)", "text"),
            ("order_status_old", "order_status"),
            ("inet", "cidr"),
        ] {
            assert!(!keeps_rows(from, to), "{from} → {to}");
        }
    }

    #[test]
    fn defaults_that_are_computed_once() {
        let stable = |default: &str| {
            let sql = format!("ALTER TABLE a ADD COLUMN b int DEFAULT {default};");
            let parse = SourceFile::parse(&sql);
            assert!(parse.errors().is_empty(), "{sql}: {:?}", parse.errors());
            let node = parse.syntax_node();
            let default = super::super::tree::find(&node, SyntaxKind::DEFAULT_CONSTRAINT).unwrap();
            is_stable(&default.first_child().unwrap())
        };
        for default in [
            "1",
            "-1",
            "'{}'::jsonb",
            "('x' || 'y')",
            "now()",
            "CURRENT_DATE",
            "(now() AT TIME ZONE 'utc')",
            "timezone('utc', now())",
            "now() + interval '1 day'",
            "ARRAY[]::text[]",
            "date_trunc('day', now())",
            "NULL",
            "CAST(1 AS bigint)",
        ] {
            assert!(stable(default), "{default}");
        }
        for default in [
            "gen_random_uuid()",
            "nextval('s')",
            "random()",
            "clock_timestamp()",
            "-random()",
            "f(1)",
            "md5(random()::text)",
        ] {
            assert!(!stable(default), "{default}");
        }
    }
}
