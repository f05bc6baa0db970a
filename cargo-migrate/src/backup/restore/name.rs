//! Names of databases beside a database.

use std::time::SystemTime;

use crate::clock;

/// As many bytes as a name has on the server (`NAMEDATALEN`); what is longer is cut there in silence.
const MOST: usize = 63;

/// The ending of a database that is not finished. Under its final name there is never one.
const UNFINISHED: &str = "_unfinished";

/// Names for a restored database that nobody gave a name, the second for where the first is taken, and so on.
pub(super) fn restored(database: &str, at: SystemTime) -> impl Iterator<Item = String> {
    // Room is left for the other ending, so that both names have the same beginning.
    numbered(database, format!("_restored_{}", stamp(at)), MOST - UNFINISHED.len())
}

/// Names for the database that is replaced.
pub(super) fn kept(database: &str, at: SystemTime) -> impl Iterator<Item = String> {
    numbered(database, format!("_before_{}", stamp(at)), MOST)
}

fn numbered(database: &str, ending: String, most: usize) -> impl Iterator<Item = String> {
    let first = with_ending(database, &ending, most);
    let more = move |number| with_ending(database, &format!("{ending}_{number}"), most);
    std::iter::once(first).chain((2..100).map(more))
}

/// Whether a restore of this database may have left an unmarked one of this name: one that was given a name can be
/// anybody's.
pub(super) fn may_be_of(name: &str, database: &str) -> bool {
    is_unfinished(name)
        && (!name.contains("_restored_") || name.starts_with(&with_ending(database, "_restored_", MOST)))
}

/// What a database is called until it is whole and verified.
pub(crate) fn unfinished(name: &str) -> String {
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

/// Small letters need no quotes in SQL.
fn stamp(at: SystemTime) -> String {
    clock::stamp(at).to_lowercase()
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
        let first = |mut names: Box<dyn Iterator<Item = String>>| names.next().unwrap();
        let restored = |name: &'static str| first(Box::new(restored(name, UNIX_EPOCH)));
        let kept = |name: &'static str| first(Box::new(kept(name, UNIX_EPOCH)));
        assert_eq!(restored("shop"), "shop_restored_19700101t000000z");
        assert_eq!(kept("shop"), "shop_before_19700101t000000z");
        assert_eq!(super::kept("shop", UNIX_EPOCH).nth(1).as_deref(), Some("shop_before_19700101t000000z_2"));
        assert_eq!(unfinished("shop_restored_19700101t000000z"), "shop_restored_19700101t000000z_unfinished");
        let long: &'static str = "ääääääääääääääääääääääääääääääääää";
        for name in [restored(long), kept(long), unfinished(long)] {
            assert!(name.len() <= MOST, "{name}");
        }
        let restored = restored(long);
        assert_eq!(unfinished(&restored), format!("{restored}{UNFINISHED}"));
        assert!(is_unfinished(&unfinished(&restored)) && !is_unfinished(&restored));
        assert!(may_be_of("shop_restored_1_unfinished", "shop") && may_be_of("x_unfinished", "shop"));
        assert!(
            !may_be_of("shop_restored_1_unfinished", "shopping") && !may_be_of("shop_restored_1", "shop")
        );
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
