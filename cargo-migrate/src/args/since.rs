//! `--since`: a point in time, as people say it.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use migrate_runtime::Since;

/// `30min`, `2h`, `7d`: so long ago; `2026-11-21`, `2026-11-21T10:30`: then, in UTC where no offset is written.
pub(crate) fn since(text: &str) -> Result<Since, String> {
    if let Some(ago) = days(text).or_else(|| migrate_core::duration::parse(text)) {
        return Ok(Since::Ago(ago));
    }
    let utc = |time: DateTime| time.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    // What has an offset, or a Z, is a date and a time to the next parser too, which would drop it.
    let at = text
        .parse::<Timestamp>()
        .or_else(|_| if text.contains('Z') { Err(invalid()) } else { text.parse().and_then(utc) })
        .or_else(|_| {
            text.parse::<Date>().and_then(|date| utc(date.to_datetime(jiff::civil::Time::midnight())))
        });
    at.map(|at| Since::At(at.to_string())).map_err(|_| {
        "write how long ago (30min, 2h, 7d), a day (2026-11-21) or a time (2026-11-21T10:30)".to_owned()
    })
}

fn invalid() -> jiff::Error {
    jiff::Error::from_args(format_args!("not a time"))
}

fn days(text: &str) -> Option<Duration> {
    let days: u64 = text.strip_suffix('d')?.trim_end().parse().ok()?;
    // A century is longer than any log.
    (days <= 36_500).then(|| Duration::from_secs(days * 86_400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_say_it_in_several_ways() {
        let at = |text: &str| Ok(Since::At(text.to_owned()));
        assert_eq!(since("7d"), Ok(Since::Ago(Duration::from_secs(7 * 86_400))));
        assert_eq!(since("30min"), Ok(Since::Ago(Duration::from_secs(1800))));
        assert_eq!(since("2026-11-21"), at("2026-11-21T00:00:00Z"));
        assert_eq!(since("2026-11-21T10:30"), at("2026-11-21T10:30:00Z"));
        assert_eq!(since("2026-11-21 10:30:05"), at("2026-11-21T10:30:05Z"));
        assert_eq!(since("2026-11-21T10:30:00+02:00"), at("2026-11-21T08:30:00Z"));
        for text in ["", "yesterday", "7", "d", "2026-13-01", "99999999d", "10:30", "2026-11-21T10:30Zx"] {
            since(text).unwrap_err();
        }
    }
}
