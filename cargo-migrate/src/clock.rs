//! Points in time as file names and records have them: UTC, from the machine's clock unless the server's is to be had.

use std::time::SystemTime;

use jiff::Timestamp;

/// `20261121T193059Z`: sorts as a name, and is one on every file system.
pub(crate) fn stamp(at: SystemTime) -> String {
    timestamp(at).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// `2026-11-21T19:30:59.123Z`
pub(crate) fn iso(at: SystemTime) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A clock outside of the years that can be written is a clock that was never set.
fn timestamp(at: SystemTime) -> Timestamp {
    Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn both_forms_are_utc() {
        let at = UNIX_EPOCH + Duration::from_millis(1_795_289_459_123);
        assert_eq!(stamp(at), "20261121T193059Z");
        assert_eq!(iso(at), "2026-11-21T19:30:59.123Z");
    }
}
