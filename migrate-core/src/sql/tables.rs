//! Which tables a statement changes or drops by name: enough to keep a script off the history table.

use super::lexer::Lexer;
use super::words::Words;

/// What a statement does to tables that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableChange {
    /// `DROP TABLE`, `TRUNCATE`, …
    pub command: &'static str,
    /// The tables, each with its qualifiers as PostgreSQL stores them.
    pub tables: Vec<Vec<String>>,
}

/// The tables that a statement creates, alters, drops, empties or writes to at its top level; `None` where it does none
/// of that. Functions, `DO` blocks and `WITH` queries are not looked into.
pub fn table_change(sql: &str) -> Option<TableChange> {
    let tokens: Vec<_> = Lexer::new(sql).filter(|token| !token.is_trivia()).collect();
    let mut words = Words::new(sql, &tokens);
    let first = words.eat_any(&["CREATE", "ALTER", "DROP", "TRUNCATE", "INSERT", "UPDATE", "DELETE"])?;
    let command = match first {
        "CREATE" => {
            words.eat("UNLOGGED");
            words.eat("TABLE").then_some("CREATE TABLE")?
        }
        "ALTER" => words.eat("TABLE").then_some("ALTER TABLE")?,
        "DROP" => words.eat("TABLE").then_some("DROP TABLE")?,
        "INSERT" => words.eat("INTO").then_some("INSERT")?,
        "DELETE" => words.eat("FROM").then_some("DELETE")?,
        "TRUNCATE" => {
            words.eat("TABLE");
            "TRUNCATE"
        }
        _ => "UPDATE",
    };
    words.eat_all(&["IF", "NOT", "EXISTS"]);
    words.eat_all(&["IF", "EXISTS"]);
    let mut tables = Vec::new();
    loop {
        words.eat("ONLY");
        let Some(name) = words.name() else { break };
        tables.push(name);
        words.eat_symbol(b'*');
        if !words.eat_symbol(b',') {
            break;
        }
    }
    (!tables.is_empty()).then_some(TableChange { command, tables })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(sql: &str) -> Option<(&'static str, Vec<String>)> {
        table_change(sql).map(|c| (c.command, c.tables.iter().map(|parts| parts.join(".")).collect()))
    }

    #[test]
    fn tables_by_name() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            change("DROP TABLE IF EXISTS a, s.\"B\" CASCADE"),
            Some(("DROP TABLE", names(&["a", "s.B"])))
        );
        assert_eq!(change("truncate only a, b *, c"), Some(("TRUNCATE", names(&["a", "b", "c"]))));
        assert_eq!(
            change("create unlogged table if not exists A(x int)"),
            Some(("CREATE TABLE", names(&["a"])))
        );
        assert_eq!(change("ALTER TABLE IF EXISTS ONLY a ADD b int"), Some(("ALTER TABLE", names(&["a"]))));
        assert_eq!(change("insert /* x */ into a values (1)"), Some(("INSERT", names(&["a"]))));
        assert_eq!(change("delete from a"), Some(("DELETE", names(&["a"]))));
        assert_eq!(change("update a set b = 1"), Some(("UPDATE", names(&["a"]))));
        // A temporary table hides the history from nobody: we name its schema.
        assert_eq!(change("create temp table a()"), None);
        assert_eq!(change("select * from a"), None);
        assert_eq!(change("drop view a"), None);
    }
}
