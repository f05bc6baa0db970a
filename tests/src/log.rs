//! The server's log as a witness: what was really executed.

use std::path::PathBuf;

/// The log of a server with `log_statement = all` and `log_line_prefix = '%p %x '`.
#[derive(Debug, Clone)]
pub struct Log {
    path: PathBuf,
}

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(usize);

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The backend.
    pub pid: i32,
    /// Its transaction; 0 before it has written something.
    pub xid: u32,
    /// `LOG`, `ERROR`, `FATAL`, `STATEMENT`, …
    pub level: String,
    /// The rest, with its line ends.
    pub text: String,
}

impl Log {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The end of the log as it is now.
    pub fn mark(&self) -> Mark {
        Mark(self.bytes().len())
    }

    /// Everything that was logged since. A server writes a statement down before it executes it, so what a client has
    /// an answer to is there.
    pub fn since(&self, mark: Mark) -> Vec<Entry> {
        parse(&String::from_utf8_lossy(&self.bytes()[mark.0..]))
    }

    /// The statements that were executed since, of the simple and of the extended protocol.
    pub fn statements(&self, mark: Mark) -> Vec<String> {
        self.since(mark).iter().filter_map(Entry::statement).map(str::to_owned).collect()
    }

    /// How many statements since contain `text`.
    pub fn count(&self, mark: Mark, text: &str) -> usize {
        self.statements(mark).iter().filter(|statement| statement.contains(text)).count()
    }

    /// The errors since: `ERROR`, `FATAL` and `PANIC`.
    pub fn errors(&self, mark: Mark) -> Vec<Entry> {
        let bad = |entry: &Entry| matches!(entry.level.as_str(), "ERROR" | "FATAL" | "PANIC");
        self.since(mark).into_iter().filter(bad).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
    }
}

impl Entry {
    /// The statement that this entry is about the execution of.
    pub fn statement(&self) -> Option<&str> {
        if self.level != "LOG" {
            return None;
        }
        self.text.strip_prefix("statement: ").or_else(|| {
            // `execute s0: SELECT …`; a parse and a bind are not logged without log_duration.
            self.text.strip_prefix("execute ")?.split_once(": ").map(|(_, statement)| statement)
        })
    }
}

/// Reads entries: each starts with the prefix, and the further lines of a statement start with a tab.
fn parse(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.split('\n') {
        if let Some(entry) = head(line) {
            entries.push(entry);
        } else if let (Some(last), Some(more)) = (entries.last_mut(), line.strip_prefix('\t')) {
            last.text.push('\n');
            last.text.push_str(more);
        }
    }
    entries
}

fn head(line: &str) -> Option<Entry> {
    let (pid, rest) = line.split_once(' ')?;
    let (xid, rest) = rest.split_once(' ')?;
    let (level, text) = rest.split_once(":  ")?;
    let text = text.to_owned();
    Some(Entry { pid: pid.parse().ok()?, xid: xid.parse().ok()?, level: level.to_owned(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_several_lines_are_one() {
        let text = "12 0 LOG:  statement: BEGIN;\n\tSELECT 1;\n12 731 ERROR:  no: this\n12 731 STATEMENT:  x\n\
                    12 0 LOG:  execute s1: SELECT $1\n12 0 DETAIL:  parameters: $1 = '2'\n2024-01-01 other\n";
        let entries = parse(text);
        assert_eq!(entries.len(), 5);
        assert_eq!(entries[0].statement(), Some("BEGIN;\nSELECT 1;"));
        assert_eq!((entries[1].pid, entries[1].xid, entries[1].level.as_str()), (12, 731, "ERROR"));
        assert_eq!(entries[2].statement(), None);
        assert_eq!(entries[3].statement(), Some("SELECT $1"));
    }
}
