//! How a database keeps text: its encoding and its locale, which are said when it is made and never change.

use migrate_runtime::{Connection, Error as EngineError, quote_literal};
use serde::{Deserialize, Serialize};

use super::likeness;

/// Encoding and locale of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Locale {
    encoding: String,
    /// `c`, `i` (15), `b` (17): pg_database.datlocprovider.
    provider: String,
    collate: String,
    ctype: String,
    /// `datlocale` (17), `daticulocale` before.
    locale: Option<String>,
    rules: Option<String>,
}

impl Locale {
    /// What `CREATE DATABASE` is told. `version` is `server_version_num`.
    pub(super) fn clause(&self, version: u32) -> String {
        let mut sql = format!(
            " ENCODING = {} LC_COLLATE = {} LC_CTYPE = {}",
            quote_literal(&self.encoding),
            quote_literal(&self.collate),
            quote_literal(&self.ctype)
        );
        if version >= 150_000 {
            let (provider, locale) = match self.provider.as_str() {
                "i" => ("icu", Some("ICU_LOCALE")),
                "b" => ("builtin", Some("BUILTIN_LOCALE")),
                _ => ("libc", None),
            };
            sql += &format!(" LOCALE_PROVIDER = {provider}");
            if let (Some(word), Some(locale)) = (locale, &self.locale) {
                sql += &format!(" {word} = {}", quote_literal(locale));
            }
            if let Some(rules) = &self.rules {
                sql += &format!(" ICU_RULES = {}", quote_literal(rules));
            }
        }
        sql
    }
}

/// Makes an empty database that keeps text as another one did, on whatever server: where that has not its locale, at least
/// in its encoding, without which not every byte of a backup could be loaded.
///
/// # Errors
///
/// The server's.
pub(crate) fn create_like(
    connection: &Connection,
    name: &str,
    locale: Option<&Locale>,
) -> Result<(), EngineError> {
    const DOING: &str = "making a database";
    let plain = likeness::create(name);
    let Some(locale) = locale else { return connection.rows(DOING, &plain).map(drop) };
    let version = "SELECT pg_catalog.current_setting('server_version_num')";
    let version = connection.value("asking for the server's version", version)?;
    let version = version.and_then(|version| version.parse().ok()).unwrap_or_default();
    let made = connection.rows(DOING, &format!("{plain}{}", locale.clause(version)));
    match made {
        Err(EngineError::Server { .. }) => {
            // Every encoding goes with it.
            let neutral = format!(
                "{plain} ENCODING = {} LC_COLLATE = 'C' LC_CTYPE = 'C'",
                quote_literal(&locale.encoding)
            );
            connection.rows(DOING, &neutral).map(drop)
        }
        made => made.map(drop),
    }
}
