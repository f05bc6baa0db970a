//! Sets and rows for the tests of this crate.

use crate::{Direction, Migration, Row, Script, Set, name};

pub(crate) fn script(stem: &str, direction: Direction, text: &str) -> Script {
    let half = if direction == Direction::Up { "up" } else { "down" };
    Script::parse(&format!("{stem}.{half}.sql"), text.to_owned()).unwrap()
}

pub(crate) fn migration(stem: &str) -> Migration {
    Migration {
        stem: stem.to_owned().into(),
        version: name::parse_recorded(stem).unwrap().0,
        up: script(stem, Direction::Up, &format!("create table \"{stem}\" ();\n")),
        down: Some(script(stem, Direction::Down, &format!("drop table \"{stem}\";\n"))),
        check: None,
    }
}

pub(crate) fn set(stems: &[&str]) -> Set {
    Set::new("migrations", stems.iter().map(|stem| migration(stem)).collect())
}

/// The row that applying the migration of this stem leaves behind.
pub(crate) fn row(stem: &str) -> Row {
    Row {
        version: stem.to_owned(),
        applied_at: "2026-01-02T03:04:05Z".to_owned(),
        checksum: Some(migration(stem).up.checksum.to_string()),
        dirty: false,
    }
}
