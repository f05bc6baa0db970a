//! From what was typed to a [`Source`].

use std::path::PathBuf;

use migrate_core::Version;

use super::Source;
use crate::Problem;
use crate::args::Target;
use crate::config::Secret;

/// What there is to be named; handed in, so that the grammar is a table.
pub(crate) struct There<'a> {
    pub(crate) is_folder: &'a dyn Fn(&str) -> bool,
    pub(crate) is_file: &'a dyn Fn(&str) -> bool,
    pub(crate) is_revision: &'a dyn Fn(&str) -> bool,
}

/// Reads what was typed.
pub(crate) fn parse(text: &str, there: &There<'_>) -> Result<Source, Problem> {
    if let Some((prefix, rest)) = text.split_once(':') {
        match (prefix, rest) {
            ("db", "") => return Ok(Source::Configured),
            ("db", url) => return Ok(Source::Url(Secret(url.to_owned()))),
            ("env", "") | ("git", "") | ("file", "") => return Err(nothing(text)),
            ("env", name) => return Ok(Source::Environment(name.to_owned())),
            ("file", path) => return Ok(Source::File(path.into())),
            ("dir", folder) => {
                let (folder, version) = at_version(folder);
                return Ok(Source::Folder((!folder.is_empty()).then(|| folder.into()), version));
            }
            ("git", revision) => {
                let (revision, version) = at_version(revision);
                return Ok(Source::Revision(revision.to_owned(), version));
            }
            ("postgres" | "postgresql", rest) if rest.starts_with("//") => {
                return Ok(Source::Url(Secret(text.to_owned())));
            }
            _ => {}
        }
    }
    if is_keywords(text) {
        return Ok(Source::Url(Secret(text.to_owned())));
    }
    let (base, version) = at_version(text);
    if base.is_empty() && version.is_some() {
        return Ok(Source::Folder(None, version));
    }
    let mut readings: Vec<(String, String, Source)> = Vec::new();
    if text == "database" {
        readings.push(("the database of the configuration".into(), "db:".into(), Source::Configured));
    }
    let mut folder = |path: &str, version| {
        if !path.is_empty() && (there.is_folder)(path) {
            let source = Source::Folder(Some(PathBuf::from(path)), version);
            readings.push((format!("the folder {path}"), format!("dir:{text}"), source));
        }
    };
    folder(base, version);
    if version.is_some() {
        folder(text, None);
    }
    if !text.is_empty() && (there.is_file)(text) {
        readings.push((format!("the file {text}"), format!("file:{text}"), Source::File(text.into())));
    }
    let mut revision = |name: &str, version| {
        if !name.is_empty() && (there.is_revision)(name) {
            let source = Source::Revision(name.to_owned(), version);
            readings.push((format!("the git revision {name}"), format!("git:{text}"), source));
        }
    };
    revision(base, version);
    if version.is_some() {
        revision(text, None);
    }
    match readings.len() {
        0 => Err(nothing(text)),
        1 => Ok(readings.swap_remove(0).2),
        _ => {
            let [what, how] = [0, 1].map(|part| {
                let all: Vec<_> = readings
                    .iter()
                    .map(|reading| if part == 0 { reading.0.clone() } else { format!("`{}`", reading.1) })
                    .collect();
                all.join(" or ")
            });
            Err(Problem::Usage { what: format!("`{text}` can mean {what}"), hint: format!("write {how}") })
        }
    }
}

fn nothing(text: &str) -> Problem {
    Problem::Usage {
        what: format!("`{text}` is no folder, no file and no git revision"),
        hint: "write `database`, env:NAME, a URL, FOLDER[@VERSION], @VERSION, git:REVISION[@VERSION] or a file; \
               `cargo migrate schema diff --help` says more"
            .to_owned(),
    }
}

/// `host=localhost dbname=shop`: a name, an equals sign, no slash before it.
fn is_keywords(text: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    text.split_once('=').is_some_and(|(name, _)| is_name(name.trim()))
}

/// What stands before `@`, and the version after it: `HEAD@{1}` and `v1@home` have none.
fn at_version(text: &str) -> (&str, Option<Version>) {
    match text.rsplit_once('@').and_then(|(base, version)| Some((base, version.parse::<Target>().ok()?))) {
        Some((base, target)) => (base, Some(target.version)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Source, Problem> {
        let among = |names: &'static [&'static str]| move |text: &str| names.contains(&text);
        parse(
            text,
            &There {
                is_folder: &among(&["migrations", "both", "odd@3", "database"]),
                is_file: &among(&["old.snap", "dump.sql"]),
                is_revision: &among(&["main", "both", "HEAD@{1}", "origin/main", "odd"]),
            },
        )
    }

    #[test]
    fn what_is_typed_has_one_meaning() {
        let folder = |path: &str, version: Option<u64>| {
            Source::Folder((!path.is_empty()).then(|| path.into()), version.map(Version::new))
        };
        let revision =
            |name: &str, version: Option<u64>| Source::Revision(name.into(), version.map(Version::new));
        let url = |text: &str| Source::Url(Secret(text.into()));
        let table = [
            ("db:", Source::Configured),
            ("env:staging", Source::Environment("staging".into())),
            ("postgres://u@h/d?x=y", url("postgres://u@h/d?x=y")),
            ("host=h dbname=d", url("host=h dbname=d")),
            ("db:host=h", url("host=h")),
            ("migrations", folder("migrations", None)),
            ("migrations@0010", folder("migrations", Some(10))),
            ("migrations@0010_add_products", folder("migrations", Some(10))),
            ("@7", folder("", Some(7))),
            ("dir:both@7", folder("both", Some(7))),
            ("main", revision("main", None)),
            ("main@7", revision("main", Some(7))),
            ("HEAD@{1}", revision("HEAD@{1}", None)),
            ("git:both", revision("both", None)),
            ("origin/main", revision("origin/main", None)),
            ("old.snap", Source::File("old.snap".into())),
            ("file:new.snap", Source::File("new.snap".into())),
        ];
        for (text, source) in table {
            assert_eq!(read(text).unwrap(), source, "{text}");
        }
    }

    #[test]
    fn what_has_two_is_refused_with_both() {
        for (text, message, hint) in [
            (
                "both",
                "`both` can mean the folder both or the git revision both",
                "write `dir:both` or `git:both`",
            ),
            (
                "both@2",
                "`both@2` can mean the folder both or the git revision both",
                "write `dir:both@2` or `git:both@2`",
            ),
            (
                "database",
                "`database` can mean the database of the configuration or the folder database",
                "write `db:` or `dir:database`",
            ),
            (
                "odd@3",
                "`odd@3` can mean the folder odd@3 or the git revision odd",
                "write `dir:odd@3` or `git:odd@3`",
            ),
        ] {
            let problem = read(text).unwrap_err();
            assert_eq!((problem.to_string().as_str(), problem.hint().as_str()), (message, hint));
        }
        for text in ["", "nowhere", "git:", "env:", "x@y", "nowhere@2"] {
            let problem = read(text).unwrap_err();
            assert_eq!(problem.to_string(), format!("`{text}` is no folder, no file and no git revision"));
        }
    }
}
