//! libpq style URLs of databases behind a Unix socket.

use std::path::Path;

/// `postgres://user@/database?host=/folder&port=5432`, with everything escaped that needs it.
pub fn socket_url(folder: &Path, port: u16, user: &str, database: &str) -> String {
    let host = escape(folder.as_os_str().as_encoded_bytes());
    let (user, database) = (escape(user.as_bytes()), escape(database.as_bytes()));
    format!("postgres://{user}@/{database}?host={host}&port={port}")
}

/// Percent-encoding of all but RFC 3986's unreserved characters and the slash, which a query may have and a person
/// reads more easily as it is.
fn escape(bytes: &[u8]) -> String {
    let mut escaped = String::new();
    for &byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                escaped.push(byte.into())
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_reads_back_what_we_wrote() {
        let folder = Path::new("/tmp/a b&c?d%é");
        let url = socket_url(folder, 5433, "o'neil@x", "app dev");
        let config: postgres::Config = url.parse().unwrap();
        assert_eq!(config.get_hosts(), [postgres::config::Host::Unix(folder.to_owned())]);
        assert_eq!(config.get_ports(), [5433]);
        assert_eq!(config.get_user(), Some("o'neil@x"));
        assert_eq!(config.get_dbname(), Some("app dev"));
    }
}
