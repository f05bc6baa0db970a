//! libpq's `PG*` variables (manual, "Environment Variables").

use super::Environment;
use super::keyword::{KEYWORDS, Parameters};
use crate::Error;

/// Fills up what is not set yet.
pub(super) fn fill(parameters: &mut Parameters, environment: Environment<'_>) -> Result<(), Error> {
    for keyword in KEYWORDS {
        let Some(variable) = keyword.variable else { continue };
        if let Some(value) = environment(variable).filter(|value| !value.is_empty()) {
            parameters.fill(keyword, value, variable)?;
        }
    }
    Ok(())
}

/// Whether the variables name a database: a user name or a password alone does not.
pub(super) fn names_a_database(environment: Environment<'_>) -> bool {
    ["PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE"]
        .iter()
        .any(|variable| environment(variable).is_some_and(|value| !value.is_empty()))
}

/// A file of the user's: `pgpass` is `~/.pgpass`, and `postgresql/root.crt` is `~/.postgresql/root.crt`; on Windows both
/// are in `%APPDATA%\postgresql`.
pub(super) fn user_file(
    environment: Environment<'_>,
    unix: &str,
    windows: &str,
) -> Option<std::path::PathBuf> {
    let (variable, name) = if cfg!(windows) { ("APPDATA", windows) } else { ("HOME", unix) };
    let home = environment(variable).filter(|home| !home.is_empty())?;
    Some(std::path::Path::new(&home).join(name))
}
