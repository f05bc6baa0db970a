//! Where the database is and how to reach it, as libpq means it.

/// Settings of a connection. Its `Debug` and `Display` never show a password.
#[derive(Clone)]
pub struct Database {
    pub(crate) config: tokio_postgres::Config,
}

impl Database {
    /// From a URL or keyword/value text, filled up from the environment as libpq does.
    pub fn parse(text: &str) -> Result<Self, crate::Error> {
        text.parse().map(|config| Self { config }).map_err(|error: tokio_postgres::Error| {
            crate::Error::Settings { message: error.to_string(), hint: String::new() }
        })
    }
}
