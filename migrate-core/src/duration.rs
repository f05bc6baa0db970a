//! Times as people write them, in directives, arguments and metadata alike: a whole number with a unit.

use std::time::Duration;

/// `500ms`, `30s`, `5min`, `2h`, `1d`: the units of PostgreSQL's own settings (`config.sgml`, "Parameter Names and
/// Values"), at most what fits its 31 bits of milliseconds. A bare number is refused, because PostgreSQL means
/// milliseconds by it and people do not; and so is `5m`, which is minutes to some and months to others.
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds: u64 = match unit.trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let total = number.parse::<u64>().ok()?.checked_mul(milliseconds)?;
    (total <= i32::MAX as u64).then(|| Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_a_unit() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("0ms", 0),
            ("3s", 3_000),
            ("5 min", 300_000),
            ("1h", 3_600_000),
            ("24d", 2_073_600_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "3",
            "s",
            "3 seconds",
            "1.5s",
            "-1s",
            "25d",
            "1y",
            "99999999999999999999d",
            "18446744073709551615h",
            "3S",
            "3m",
            "１s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
