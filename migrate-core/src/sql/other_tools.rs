//! The comments with which other tools keep up and down in one file.
//!
//! To PostgreSQL they are comments: a file with both halves would be applied and rolled back at once, and be recorded as
//! applied.

/// The tool whose mark this line comment is, and the mark; `None` for any other comment.
///
/// A mark of goose or sql-migrate that starts the up half is let pass: without the other one it means nothing.
pub(crate) fn mark(comment: &str) -> Option<(&'static str, &str)> {
    let text = comment.trim_start_matches('-').trim();
    let mut words = text.split_ascii_whitespace();
    let first = words.next()?;
    let is = |word: &str, other: &str| word.eq_ignore_ascii_case(other);
    let starts_down = || words.clone().next().is_some_and(|word| is(word, "down"));
    if is(first, "migrate:up") || is(first, "migrate:down") {
        Some(("dbmate", text))
    } else if is(first, "+goose") && starts_down() {
        Some(("goose", text))
    } else if is(first, "+migrate") && starts_down() {
        Some(("sql-migrate", text))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::Script;
    use crate::sql::Reason;

    use super::*;

    #[test]
    fn marks_of_both_halves() {
        for (comment, tool) in [
            ("-- migrate:up", "dbmate"),
            ("--migrate:down transaction:false", "dbmate"),
            ("-- +goose Down", "goose"),
            ("--\t+GOOSE down", "goose"),
            ("-- +migrate Down", "sql-migrate"),
        ] {
            assert_eq!(mark(comment).map(|(tool, _)| tool), Some(tool), "{comment}");
        }
        for comment in [
            "-- +goose Up",
            "-- +goose StatementBegin",
            "-- +goose",
            "-- migrate: no-transaction",
            "-- migrate the data down",
            "-- down",
            "--",
        ] {
            assert_eq!(mark(comment), None, "{comment}");
        }
    }

    #[test]
    fn a_file_with_both_halves_is_refused_where_the_second_starts() {
        let goose = "-- +goose Up\nCREATE TABLE a ();\n-- +goose Down\nDROP TABLE a;\n";
        let error = Script::parse("1_a.up.sql", goose.into()).unwrap_err();
        assert_eq!(error.reason, Reason::OtherTool { tool: "goose", mark: "+goose Down".into() });
        assert_eq!(error.line, 3);
        let dbmate = "CREATE TABLE a ();\n-- migrate:down\nDROP TABLE a;\n";
        let error = Script::parse("1_a.up.sql", dbmate.into()).unwrap_err();
        assert_eq!(
            (error.line, error.reason.to_string()),
            (2, "`-- migrate:down` is a mark of dbmate".into())
        );
        assert!(error.hint().contains(".down.sql"), "{}", error.hint());
        // A comment inside a string is text.
        assert!(Script::parse("1_a.up.sql", "SELECT '\n-- +goose Down\n'".into()).is_ok());
    }
}
