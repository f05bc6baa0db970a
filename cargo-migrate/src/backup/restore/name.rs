//! Names of databases beside a database.

use std::time::SystemTime;

use crate::clock;

/// As many bytes as a name has on the server (`NAMEDATALEN`); what is longer is cut there in silence.
const MOST: usize = 63;

/// The ending of a database that is not finished. Under its final name there is never one.
const UNFINISHED: &str = "_unfinished";

/// Where a restored database stands that nobody gave a name.
pub(super) fn restored(database: &str, at: SystemTime) -> String {
    // Room is left for the other ending, so that both names have the same beginning.
    with_ending(database, &format!("_restored_{}", clock::stamp(at)), MOST - UNFINISHED.len())
}

/// Where the database that was replaced goes.
pub(super) fn kept(database: &str, at: SystemTime) -> String {
    with_ending(database, &format!("_before_{}", clock::stamp(at)), MOST)
}

/// What a database is called until it is whole and verified.
pub(super) fn unfinished(name: &str) -> String {
    with_ending(name, UNFINISHED, MOST)
}

/// Whether a name is one of a database that is not finished.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.ends_with(UNFINISHED)
}

/// Why the server would not have a database under this name, or under another one.
pub(super) fn unfit(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("it is empty"),
        _ if name.len() > MOST => Some("it is longer than 63 bytes"),
        _ if name.contains('\0') => Some("it has a zero byte"),
        _ if name.contains(['\n', '\r']) => Some("it has a line end, which the client programs refuse"),
        _ if is_unfinished(name) => Some("`_unfinished` is the ending of databases that are not"),
        _ => None,
    }
}

/// The beginning is cut where both are too long for one name, between two characters.
fn with_ending(name: &str, ending: &str, most: usize) -> String {
    let mut end = name.len().min(most.saturating_sub(ending.len()));
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", &name[..end])
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn names_are_never_longer_than_the_server_takes() {
        assert_eq!(restored("shop", UNIX_EPOCH), "shop_restored_19700101T000000Z");
        assert_eq!(kept("shop", UNIX_EPOCH), "shop_before_19700101T000000Z");
        assert_eq!(unfinished("shop_restored_19700101T000000Z"), "shop_restored_19700101T000000Z_unfinished");
        let long = "ä".repeat(31);
        for name in [restored(&long, UNIX_EPOCH), kept(&long, UNIX_EPOCH), unfinished(&long)] {
            assert!(name.len() <= MOST, "{name}");
        }
        let restored = restored(&long, UNIX_EPOCH);
        assert_eq!(unfinished(&restored), format!("{restored}{UNFINISHED}"));
        assert!(is_unfinished(&unfinished(&restored)) && !is_unfinished(&restored));
    }

    #[test]
    fn a_name_that_the_server_would_change_is_refused() {
        for name in ["", "a\nb", "a\0", "x_unfinished", &"x".repeat(64)] {
            assert!(unfit(name).is_some(), "{name:?}");
        }
        assert_eq!(unfit(&"x".repeat(63)), None);
        assert_eq!(unfit("weird \"name\" ü"), None);
    }
}
