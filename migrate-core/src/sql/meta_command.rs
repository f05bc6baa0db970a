//! psql's meta-commands: what to write instead of each.

/// What to write instead of the meta-command with this name, given without its backslash.
pub(crate) fn instead(name: &str) -> &'static str {
    match name {
        "i" | "ir" | "include" | "include_relative" => "put the SQL of that file into this one",
        "set" | "unset" | "prompt" | "getenv" | "setenv" | "gset" => {
            "write the value itself where it is used: there are no psql variables in a migration"
        }
        "c" | "connect" => "remove it: a migration runs in the one database it is applied to",
        // The one command that psql takes in any case.
        "copy" | "COPY" => "write `COPY … FROM STDIN;`, then the data on the next lines, then a line `\\.`",
        "if" | "elif" | "else" | "endif" => "write a `DO $$ BEGIN IF … THEN … END IF; END $$` block",
        "gexec" => "write a `DO` block that loops over the query and does `EXECUTE`",
        "echo" | "qecho" | "warn" => "write `DO $$ BEGIN RAISE NOTICE '…'; END $$`, or a comment",
        "g" | "gx" | "gdesc" | "crosstabview" | "watch" | "p" | "r" | ";" | "bind" | "parse"
        | "sendpipeline" => "end the statement with a semicolon",
        "." => "a line `\\.` ends the data of a `COPY … FROM STDIN`, and there is none before it",
        "!" => "run the program before or after the migration, not from it",
        "encoding" => "remove it: migrations are UTF-8",
        "password" => "write `ALTER ROLE … PASSWORD …`",
        "q" | "quit" => "remove the lines behind it",
        "restrict" | "unrestrict" => "put it on a line of its own between two statements, as pg_dump does",
        "timing" | "pset" | "x" | "t" | "a" | "o" | "out" | "f" | "H" | "C" | "T" | "errverbose"
        | "conninfo" => "remove it: it changes only what psql prints",
        _ => "write it in SQL, or remove it",
    }
}

/// Whether this line is a `\restrict KEY` or `\unrestrict KEY`, as pg_dump writes them since August 2025.
pub(crate) fn is_restrict(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let command = matches!(words.next(), Some("\\restrict" | "\\unrestrict"));
    let key = words.next().is_some_and(|key| key.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    command && key && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_is_known_in_capitals() {
        assert_eq!(instead("COPY"), instead("copy"));
        assert_ne!(instead("COPY"), instead("SET"));
    }

    #[test]
    fn the_lines_of_pg_dump() {
        assert!(is_restrict("\\restrict aB3"));
        assert!(is_restrict("\\unrestrict aB3\t\r"));
        for line in ["\\restrict", "\\restrict a;", "\\restrict a b", "\\restricted a", "\\i a"] {
            assert!(!is_restrict(line), "{line}");
        }
    }
}
