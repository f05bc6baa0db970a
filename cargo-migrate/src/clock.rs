//! Points in time as file names and records have them: UTC, from the machine's clock unless the server's is to be had.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// `20261121T193059Z`: sorts as a name, and is one on every file system.
pub(crate) fn stamp(at: SystemTime) -> String {
    timestamp(at).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// `2026-11-21T19:30:59.123Z`
pub(crate) fn iso(at: SystemTime) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// `20261121193059`: the version of a migration that is numbered by the time. No daylight saving, no zone of whoever writes
/// it, and nothing before 1970, which would sort before what is there.
pub(crate) fn digits(at: SystemTime) -> String {
    timestamp(at.max(UNIX_EPOCH)).strftime("%Y%m%d%H%M%S").to_string()
}

/// A clock outside of the years that can be written is a clock that was never set.
fn timestamp(at: SystemTime) -> Timestamp {
    Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn both_forms_are_utc() {
        let at = UNIX_EPOCH + Duration::from_millis(1_795_289_459_123);
        assert_eq!(stamp(at), "20261121T193059Z");
        assert_eq!(iso(at), "2026-11-21T19:30:59.123Z");
    }

    #[test]
    fn timestamps_are_utc_dates() {
        let table = [
            (0, "19700101000000"),
            (951_782_399, "20000228235959"),
            (951_782_400, "20000229000000"),
            (1_774_746_000, "20260329010000"),
            (4_107_542_400, "21000301000000"),
        ];
        for (seconds, text) in table {
            assert_eq!(digits(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
        assert_eq!(digits(UNIX_EPOCH - Duration::from_secs(1)), "19700101000000");
    }
}
