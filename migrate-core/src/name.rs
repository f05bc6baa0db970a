//! File names: `{version}_{description}.{up|down|check}.sql`.

use crate::{Direction, Version};

/// The parts of a migration file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileName<'a> {
    /// The identity of the migration, `0010_add_products`.
    pub stem: &'a str,
    /// The number in front.
    pub version: Version,
    /// The number as it is written, with the zeros that pad it.
    pub digits: &'a str,
    /// What follows the number.
    pub description: &'a str,
    /// Which of the migration's files it is.
    pub part: Part,
}

/// The files that a migration has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// `.up.sql`, `.down.sql`.
    Half(Direction),
    /// `.check.sql`.
    Check,
}

/// Why a name is not that of a migration file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// `0001_a.sql`, `0001_a.UP.sql`.
    #[error("the name ends neither in `.up.sql` nor in `.down.sql`")]
    NoDirection,
    /// `add_products.up.sql`.
    #[error("the name does not start with a version number")]
    NoVersion,
    /// A digit of another script, as in `０００１_a.up.sql`, which sorts and compares differently from what it looks like.
    #[error("the version has the digit `{found}` (U+{:04X}), which is not the ASCII digit it looks like", u32::from(*found))]
    LookAlikeDigit {
        /// The digit.
        found: char,
    },
    /// More than 64 bits.
    #[error("the version {digits} is too large (the largest is {})", u64::MAX)]
    VersionTooLarge {
        /// As written.
        digits: String,
    },
    /// `0001.up.sql`, `0001-a.up.sql`.
    #[error("the version is not followed by `_` and a description")]
    NoDescription,
    /// A line feed, an escape character, an invisible or direction-changing character.
    #[error("the name has the unprintable character U+{:04X}", u32::from(*found))]
    Unprintable {
        /// The character.
        found: char,
    },
}

impl NameError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoDirection => "name it `{version}_{description}.up.sql` or `.down.sql`, in lower case; \
                 keep other SQL in another folder"
                .to_owned(),
            Self::NoVersion => {
                "put the next version number in front, as `cargo migrate new` does: `0001_add_products.up.sql`".to_owned()
            }
            Self::LookAlikeDigit { .. } => "rename the file with the digits 0 to 9".to_owned(),
            Self::VersionTooLarge { .. } => {
                "use a shorter number: 4 digits, or a timestamp of 14 (`YYYYMMDDHHMMSS`)".to_owned()
            }
            Self::NoDescription => "name it `{version}_{description}`, as in `0001_add_products.up.sql`".to_owned(),
            Self::Unprintable { .. } => "rename the file without that character".to_owned(),
        }
    }
}

/// Whether a file of this name has to be a migration: it ends in `.sql`, in whatever case.
pub fn is_sql(file: &str) -> bool {
    let start = file.len().saturating_sub(4);
    file.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(".sql"))
}

/// The parts of a file name.
///
/// A description may have any printable character, because existing histories do; only [`slug`] is strict. All text is quoted
/// where it is used.
///
/// # Errors
/// Every name that is not a migration's.
pub fn parse(file: &str) -> Result<FileName<'_>, NameError> {
    printable(file)?;
    let (stem, part) = if let Some(stem) = file.strip_suffix(".up.sql") {
        (stem, Part::Half(Direction::Up))
    } else if let Some(stem) = file.strip_suffix(".down.sql") {
        (stem, Part::Half(Direction::Down))
    } else if let Some(stem) = file.strip_suffix(".check.sql") {
        (stem, Part::Check)
    } else {
        return Err(NameError::NoDirection);
    };
    let digits = &stem[..stem.bytes().take_while(u8::is_ascii_digit).count()];
    let rest = &stem[digits.len()..];
    if let Some(found) = rest.chars().next().filter(|c| c.is_numeric()) {
        return Err(NameError::LookAlikeDigit { found });
    }
    if digits.is_empty() {
        return Err(NameError::NoVersion);
    }
    let Some(version) = parse_version(digits) else {
        return Err(NameError::VersionTooLarge { digits: digits.to_owned() });
    };
    let description = rest.strip_prefix('_').unwrap_or_default();
    if description.trim().is_empty() {
        return Err(NameError::NoDescription);
    }
    Ok(FileName { stem, version, digits, description, part })
}

/// Refuses a name with characters that are not seen, or that act on what is around them.
pub(crate) fn printable(file: &str) -> Result<(), NameError> {
    match file.chars().find(|&c| c.is_control() || is_invisible(c)) {
        Some(found) => Err(NameError::Unprintable { found }),
        None => Ok(()),
    }
}

/// A version from ASCII digits alone: no sign, no space. `None` also where the number has more than 64 bits.
pub fn parse_version(digits: &str) -> Option<Version> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(Version::new)
}

/// Version and description of a recorded identity: `0010_add_products`, or digits alone as some tools record it.
pub fn parse_recorded(recorded: &str) -> Option<(Version, Option<&str>)> {
    match recorded.split_once('_') {
        Some((digits, description)) => Some((parse_version(digits)?, Some(description))),
        None => Some((parse_version(recorded)?, None)),
    }
}

/// Characters that are not seen, and those that turn the direction of the text around them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
}

/// A description for a new migration, in lower_snake: `Add Products!` → `add_products`.
///
/// `None` where nothing is left. A capital after a small letter starts a word (`addProducts`). Letters outside ASCII become
/// word breaks, so that the name is the same on every file system.
pub fn slug(title: &str) -> Option<String> {
    let mut slug = String::new();
    let mut after_small = false;
    for c in title.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && after_small {
                slug.push('_');
            }
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    slug.truncate(slug.trim_end_matches('_').len());
    Some(slug).filter(|slug| !slug.is_empty())
}

/// The digits of the version after these, in the widest width in use (4 where there is none).
///
/// `None` where the largest version has no successor.
pub fn next_digits<'a>(digits_in_use: impl Iterator<Item = &'a str>) -> Option<String> {
    let (mut newest, mut width) = (0, 0);
    for digits in digits_in_use {
        newest = newest.max(parse_version(digits).map_or(0, Version::number));
        width = width.max(digits.len());
    }
    let width = if width == 0 { 4 } else { width };
    newest.checked_add(1).map(|next| format!("{next:0width$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_apart() {
        let name = parse("0010_add_products.down.sql").unwrap();
        assert_eq!(
            name,
            FileName {
                stem: "0010_add_products",
                version: Version::new(10),
                digits: "0010",
                description: "add_products",
                part: Part::Half(Direction::Down),
            }
        );
        assert_eq!(parse("0010_add_products.check.sql").map(|name| name.part), Ok(Part::Check));
        assert_eq!(parse("20260102030405_a.up.sql").unwrap().version, Version::new(20_260_102_030_405));
        assert_eq!(parse("00000000000000_setup.up.sql").unwrap().version, Version::new(0));
    }

    #[test]
    fn takes_hostile_descriptions_as_they_are() {
        for description in
            ["it's", "a\"b", "; drop table x", "\\", "$$", "--", "%s", "{}", "é", "数", "_", "a.b", "x y"]
        {
            let file = format!("1_{description}.up.sql");
            assert_eq!(parse(&file).unwrap().description, description);
        }
    }

    #[test]
    fn refuses_what_is_no_migration() {
        let cases = [
            ("0001_a.sql", NameError::NoDirection),
            ("0001_a.UP.sql", NameError::NoDirection),
            ("0001_a.up.SQL", NameError::NoDirection),
            ("0001_a.checks.sql", NameError::NoDirection),
            ("a.up.sql", NameError::NoVersion),
            (".up.sql", NameError::NoVersion),
            ("_a.up.sql", NameError::NoVersion),
            ("-1_a.up.sql", NameError::NoVersion),
            ("０００１_a.up.sql", NameError::LookAlikeDigit { found: '０' }),
            ("000١_a.up.sql", NameError::LookAlikeDigit { found: '١' }),
            ("1².up.sql", NameError::LookAlikeDigit { found: '²' }),
            (
                "18446744073709551616_a.up.sql",
                NameError::VersionTooLarge { digits: "18446744073709551616".to_owned() },
            ),
            ("0001.up.sql", NameError::NoDescription),
            ("0001_.up.sql", NameError::NoDescription),
            ("0001_ .up.sql", NameError::NoDescription),
            ("0001-a.up.sql", NameError::NoDescription),
            ("0001_a\nb.up.sql", NameError::Unprintable { found: '\n' }),
            ("0001_\u{1b}[0m.up.sql", NameError::Unprintable { found: '\u{1b}' }),
            ("0001_\u{202e}a.up.sql", NameError::Unprintable { found: '\u{202e}' }),
        ];
        for (file, error) in cases {
            assert_eq!(parse(file), Err(error.clone()), "{file}");
            assert!(!error.hint().is_empty(), "{error}");
        }
        assert!(parse("18446744073709551615_a.up.sql").is_ok());
    }

    #[test]
    fn sql_in_any_case_is_sql() {
        assert!(is_sql("a.sql") && is_sql("a.SQL") && is_sql(".sql"));
        assert!(
            !is_sql("README.md") && !is_sql("sql") && !is_sql("é") && !is_sql("a.sql~") && !is_sql("日本")
        );
    }

    #[test]
    fn recorded_identities() {
        assert_eq!(parse_recorded("0010_a_b"), Some((Version::new(10), Some("a_b"))));
        assert_eq!(parse_recorded("10"), Some((Version::new(10), None)));
        for recorded in ["", "+1_a", " 1_a", "a", "_a", "1-a", "99999999999999999999_a"] {
            assert_eq!(parse_recorded(recorded), None, "{recorded:?}");
        }
    }

    #[test]
    fn slugs_are_lower_snake() {
        let cases = [
            ("Add Products!", Some("add_products")),
            ("add_products", Some("add_products")),
            ("addProducts", Some("add_products")),
            ("  --add  v2 -- ", Some("add_v2")),
            ("naïve", Some("na_ve")),
            ("HTTP", Some("http")),
            ("!!", None),
            ("", None),
        ];
        for (title, expected) in cases {
            assert_eq!(slug(title).as_deref(), expected, "{title}");
        }
    }

    #[test]
    fn the_next_version_keeps_the_width() {
        let next = |digits: &[&str]| next_digits(digits.iter().copied());
        assert_eq!(next(&[]).as_deref(), Some("0001"));
        assert_eq!(next(&["0001", "0009"]).as_deref(), Some("0010"));
        assert_eq!(next(&["1", "9"]).as_deref(), Some("10"));
        assert_eq!(next(&["9999"]).as_deref(), Some("10000"));
        assert_eq!(next(&["20260102030405"]).as_deref(), Some("20260102030406"));
        assert_eq!(next(&["18446744073709551615"]), None);
    }
}
