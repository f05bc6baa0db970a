//! The password file, `~/.pgpass` (manual, "The Password File").

use std::path::{Path, PathBuf};

/// Where a password is looked up: one line matches where all four fields match.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The host as it was written; `localhost` for the default socket directory.
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) dbname: &'a str,
    pub(super) user: &'a str,
}

/// A password file as it was found.
#[derive(Default)]
pub(super) struct PassFile {
    text: String,
    /// Why a file that is there is not used.
    pub(super) ignored: Option<(PathBuf, &'static str)>,
}

impl PassFile {
    /// Reads a file. One that is not there is empty; one that others may read is ignored, as libpq does.
    pub(super) fn read(path: &Path) -> Self {
        let ignored = |why| Self { text: String::new(), ignored: Some((path.to_owned(), why)) };
        let Ok(metadata) = std::fs::metadata(path) else { return Self::default() };
        if !metadata.is_file() {
            return ignored("it is not a plain file");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            if metadata.permissions().mode() & 0o077 != 0 {
                return ignored("other users have access to it: run `chmod 0600` on it");
            }
        }
        match std::fs::read_to_string(path) {
            Ok(text) => Self { text, ignored: None },
            Err(_) => ignored("it cannot be read"),
        }
    }

    /// The password of the first line that matches.
    pub(super) fn password(&self, wanted: Wanted<'_>) -> Option<String> {
        let port = wanted.port.to_string();
        let fields = [wanted.host, &port, wanted.dbname, wanted.user];
        self.text
            .split('\n')
            .map(|line| line.trim_end_matches('\r'))
            .filter(|line| !line.starts_with('#'))
            .find_map(|line| {
                let mut rest = line;
                for field in fields {
                    rest = matching(rest, field)?;
                }
                let password = unescape(rest);
                (!password.is_empty()).then_some(password)
            })
    }
}

/// What follows the first field and its colon, where the field is `*` or, with its escapes taken, `expected`.
fn matching<'a>(line: &'a str, expected: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let mut escaped = false;
    let end = line.find(|character| {
        let ends = character == ':' && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    })?;
    (unescape(&line[..end]) == expected).then(|| &line[end + 1..])
}

fn unescape(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        if character == '\\' { out.extend(characters.next()) } else { out.push(character) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_up(text: &str, host: &str, port: u16, dbname: &str, user: &str) -> Option<String> {
        let file = PassFile { text: text.to_owned(), ignored: None };
        file.password(Wanted { host, port, dbname, user })
    }

    #[test]
    fn the_first_line_that_matches_counts() {
        let text = "# comment:*:*:*:no\n\
                    h:5432:shop:app:one\r\n\
                    ::1:5432:shop:app:broken\n\
                    \\:\\:1:5432:shop:app:six\n\
                    h:*:we\\\\ird\\:db:*:p\\:a\\\\ss:word\n\
                    empty:*:*:*:\n\
                    *:*:*:app:any\n";
        for (host, port, dbname, user, expected) in [
            ("h", 5432, "shop", "app", Some("one")),
            ("h", 5433, "shop", "app", Some("any")),
            ("::1", 5432, "shop", "app", Some("six")),
            ("h", 1, "we\\ird:db", "x", Some("p:a\\ss:word")),
            ("empty", 1, "d", "u", None),
            ("elsewhere", 1, "d", "app", Some("any")),
            ("elsewhere", 1, "d", "u", None),
        ] {
            assert_eq!(
                look_up(text, host, port, dbname, user).as_deref(),
                expected,
                "{host} {port} {dbname} {user}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_ignored() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        assert!(PassFile::read(&path).ignored.is_none());
        std::fs::write(&path, "*:*:*:*:secret").unwrap();
        let wanted = Wanted { host: "h", port: 1, dbname: "d", user: "u" };
        for (mode, expected) in
            [(0o600, Some("secret")), (0o400, Some("secret")), (0o640, None), (0o604, None)]
        {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let file = PassFile::read(&path);
            assert_eq!(file.password(wanted).as_deref(), expected, "{mode:o}");
            assert_eq!(file.ignored.is_some(), expected.is_none(), "{mode:o}");
        }
        assert!(PassFile::read(folder.path()).ignored.is_some());
    }
}
