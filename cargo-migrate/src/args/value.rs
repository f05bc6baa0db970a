//! Values of arguments and of metadata: durations, versions, table names, `key=value`.

use std::time::Duration;

use migrate_core::Version;
use migrate_runtime::HistoryTable;

/// A time with a unit, as a directive has it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    migrate_core::duration::parse(text)
        .ok_or_else(|| "write a whole number with a unit, 24 days at most: 500ms, 30s, 5min, 2h".to_owned())
}

/// How old something is: `36h`, `7d`, `12w`.
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim_start() {
        "h" => Some(3_600_u64),
        "d" => Some(86_400),
        "w" => Some(604_800),
        _ => None,
    };
    let total = seconds.zip(number.parse::<u64>().ok()).and_then(|(unit, number)| unit.checked_mul(number));
    total.map(Duration::from_secs).ok_or_else(|| "write a whole number with a unit: 36h, 7d, 12w".to_owned())
}

/// A reason, which has words in it. It goes into logs, reports and other people's terminals: a password in it stays here.
pub(crate) fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say why, in words: the audit log keeps it".to_owned()),
        reason => Ok(migrate_core::sql::mask_text(reason).into_owned()),
    }
}

/// `name` or `schema.name`; a part in double quotes may hold a dot, and a doubled quote stands for one.
pub(crate) fn history_table(text: &str) -> Result<HistoryTable, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = identifier(rest)?;
        parts.push(part);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => break,
            None => return Err("write NAME or SCHEMA.NAME".to_owned()),
        }
    }
    let schema = HistoryTable::default().schema;
    match <[String; 2]>::try_from(parts) {
        Ok([schema, name]) => Ok(HistoryTable { schema, name }),
        Err(mut parts) if parts.len() == 1 => Ok(HistoryTable { schema, name: parts.remove(0) }),
        Err(_) => Err("write NAME or SCHEMA.NAME".to_owned()),
    }
}

fn identifier(text: &str) -> Result<(String, &str), String> {
    let (name, rest) = if let Some(quoted) = text.strip_prefix('"') {
        let mut name = String::new();
        let mut rest = quoted;
        loop {
            let (part, after) = rest.split_once('"').ok_or("a double quote is not closed")?;
            name.push_str(part);
            match after.strip_prefix('"') {
                Some(next) => {
                    name.push('"');
                    rest = next;
                }
                None => break (name, after),
            }
        }
    } else {
        let end = text.find('.').unwrap_or(text.len());
        (text[..end].to_owned(), &text[end..])
    };
    // 63 bytes is NAMEDATALEN - 1: PostgreSQL would cut the name short and the log's name with it. `_log` has to fit.
    match name.len() {
        0 => Err("a part of the name is empty".to_owned()),
        1..=59 if !name.contains('\0') => Ok((name, rest)),
        _ => Err("a name has at most 59 bytes, so that `_log` fits after it, and no NUL".to_owned()),
    }
}

/// The table as `--history-table` reads it.
pub(crate) fn quote_history_table(table: &HistoryTable) -> String {
    let part = |name: &str| {
        if name.contains(['.', '"']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() }
    };
    format!("{}.{}", part(&table.schema), part(&table.name))
}

/// The version that `--to` names: a number, or a whole stem such as `0010_add_products`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The number.
    pub version: Version,
    /// The whole stem, where that was given: then it has to be that migration.
    pub stem: Option<String>,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = text.split_at(digits);
        let version = number
            .parse()
            .map(Version::new)
            .map_err(|_| "write a version, such as 10, 0010 or 0010_add_products".to_owned())?;
        match rest {
            "" => Ok(Self { version, stem: None }),
            _ if rest.starts_with('_') => Ok(Self { version, stem: Some(text.to_owned()) }),
            _ => Err("write a version, such as 10, 0010 or 0010_add_products".to_owned()),
        }
    }
}

/// `key=value`, for the placeholders of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Before the `=`.
    pub key: String,
    /// After it.
    pub value: String,
}

impl std::str::FromStr for Parameter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok(Self { key: key.trim().to_owned(), value: value.to_owned() })
            }
            _ => Err("write KEY=VALUE".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_numbers_with_units() {
        let hours = |hours: u64| Ok(Duration::from_secs(hours * 3600));
        assert_eq!((age("36h"), age("7d"), age("12 w")), (hours(36), hours(168), hours(2016)));
        for text in ["", "7", "d", "7m", "-1d", "99999999999999999999d", "9999999999999999999w"] {
            assert!(age(text).is_err(), "{text}");
        }
    }

    #[test]
    fn history_tables_are_taken_as_they_are_written() {
        let table = |schema: &str, name: &str| HistoryTable { schema: schema.into(), name: name.into() };
        assert_eq!(history_table("migrations"), Ok(table("public", "migrations")));
        assert_eq!(history_table("app.Migrations"), Ok(table("app", "Migrations")));
        assert_eq!(history_table(r#""a.b"."c""d""#), Ok(table("a.b", "c\"d")));
        assert_eq!(history_table(r#"x"; drop table y; --"#), Ok(table("public", r#"x"; drop table y; --"#)));
        for text in ["", ".", "a.", ".b", "a.b.c", "\"a", "\"a\"b", &"x".repeat(60)] {
            assert!(history_table(text).is_err(), "{text}");
        }
        for odd in [table("a.b", "c\"d"), table("public", "x")] {
            assert_eq!(history_table(&quote_history_table(&odd)), Ok(odd));
        }
    }

    #[test]
    fn targets_are_numbers_or_stems() {
        let target: Target = "0010".parse().unwrap();
        assert_eq!((target.version.number(), target.stem), (10, None));
        let target: Target = "0010_add_products".parse().unwrap();
        assert_eq!((target.version.number(), target.stem.as_deref()), (10, Some("0010_add_products")));
        for text in ["", "x", "_x", "1x", "99999999999999999999999"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn parameters_are_pairs() {
        let parameter: Parameter = "check=price >= 0".parse().unwrap();
        assert_eq!((parameter.key.as_str(), parameter.value.as_str()), ("check", "price >= 0"));
        assert!("=x".parse::<Parameter>().is_err());
        assert!("x".parse::<Parameter>().is_err());
    }
}
