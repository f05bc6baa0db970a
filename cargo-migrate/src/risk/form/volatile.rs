//! Whether a default is the same for all rows: only then is a column added without writing the table anew.
//!
//! PostgreSQL asks `contain_volatile_functions` (`ATExecAddColumn` in `tablecmds.c`). A function that is not known here
//! is the project's own, and those are VOLATILE unless they say otherwise.

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{self, AstNode};

/// Functions of `pg_catalog` that people write into defaults, and that give the same for all rows of one statement:
/// `provolatile <> 'v'` in `pg_proc`.
const STEADY: [&str; 57] = [
    "abs",
    "array_append",
    "array_fill",
    "btrim",
    "ceil",
    "chr",
    "coalesce",
    "concat",
    "concat_ws",
    "current_database",
    "current_schema",
    "current_setting",
    "daterange",
    "date_part",
    "date_trunc",
    "decode",
    "encode",
    "floor",
    "format",
    "greatest",
    "inet_client_addr",
    "int4range",
    "int8range",
    "json_build_array",
    "json_build_object",
    "json_object",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_object",
    "least",
    "left",
    "length",
    "lower",
    "lpad",
    "make_date",
    "make_interval",
    "make_timestamptz",
    "md5",
    "now",
    "nullif",
    "numrange",
    "point",
    "repeat",
    "replace",
    "round",
    "rpad",
    "sha256",
    "statement_timestamp",
    "to_char",
    "to_date",
    "to_json",
    "to_jsonb",
    "to_timestamp",
    "to_tsvector",
    "transaction_timestamp",
    "tstzrange",
    "upper",
];

/// Whether an expression may differ from row to row.
pub(super) fn is_volatile(expr: &ast::Expr) -> bool {
    let calls = expr.syntax().descendants().filter_map(ast::CallExpr::cast);
    calls.into_iter().any(|call| match call.expr() {
        Some(called) => {
            let name = called.syntax().text().to_string().to_ascii_lowercase();
            let name = name.trim();
            let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
            !STEADY.contains(&name)
        }
        // EXTRACT, SUBSTRING and their kind have a grammar of their own, and are immutable.
        None => false,
    })
}

/// `DEFAULT NULL` is no default.
pub(super) fn is_null(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Literal(literal)
        if literal.syntax().first_token().is_some_and(|token| token.kind() == SyntaxKind::NULL_KW))
}

#[cfg(test)]
mod tests {
    use squawk_syntax::SourceFile;

    use super::*;

    fn default(text: &str) -> ast::Expr {
        let file = SourceFile::parse(&format!("ALTER TABLE t ADD COLUMN c int DEFAULT {text}")).tree();
        let found = file.syntax().descendants().find_map(ast::DefaultConstraint::cast);
        found.and_then(|default| default.expr()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn what_is_one_value_for_all_rows_is_steady() {
        for text in [
            "0",
            "'x'",
            "'{}'::jsonb",
            "now()",
            "pg_catalog.now()",
            "CURRENT_TIMESTAMP",
            "now() + interval '1 day'",
            "ARRAY[]::text[]",
            "upper('x')",
            "date_trunc('day', now())",
            "(1 + 2)",
            "extract(year from now())",
        ] {
            assert!(!is_volatile(&default(text)), "{text}");
        }
        for text in [
            "random()",
            "gen_random_uuid()",
            "clock_timestamp()",
            "nextval('s')",
            "app.new_id()",
            "new_id()",
            "upper(random()::text)",
            "coalesce(NULL, random())",
        ] {
            assert!(is_volatile(&default(text)), "{text}");
        }
        assert!(is_null(&default("NULL")) && !is_null(&default("'NULL'")));
    }
}
