//! The connection service file (manual, "The Connection Service File").

use std::path::{Path, PathBuf};

use super::environment::user_file;
use super::keyword::{Pair, Parameters, find};
use super::{Environment, refuse};
use crate::Error;

/// Fills up what is not set yet from the service that `service` or `PGSERVICE` names.
pub(super) fn fill(parameters: &mut Parameters, environment: Environment<'_>) -> Result<(), Error> {
    let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
    let Some(service) = parameters.get("service").map(str::to_owned).or_else(|| variable("PGSERVICE")) else {
        return Ok(());
    };
    let named = parameters.get("servicefile").map(str::to_owned).or_else(|| variable("PGSERVICEFILE"));
    let own = named
        .map(PathBuf::from)
        .or_else(|| user_file(environment, ".pg_service.conf", "postgresql\\.pg_service.conf"));
    let system = variable("PGSYSCONFDIR").map(|folder| Path::new(&folder).join("pg_service.conf"));
    let files: Vec<PathBuf> = [own, system].into_iter().flatten().collect();
    for path in &files {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(refuse(
                    format!("the service file {} cannot be read: {error}", path.display()),
                    "make it readable, or name another one in PGSERVICEFILE",
                ));
            }
        };
        if let Some(pairs) = section(&text, &service, path)? {
            return parameters.fill_all(pairs, "the service file");
        }
    }
    let looked: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    Err(refuse(
        format!("there is no connection service {service:?}"),
        format!("looked in {}; PGSERVICEFILE names another file", looked.join(" and ")),
    ))
}

/// The parameters of one section; `None` where the file does not have it.
fn section(text: &str, service: &str, path: &Path) -> Result<Option<Vec<Pair>>, Error> {
    let mut found = None;
    for (index, line) in text.split('\n').enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if name.strip_suffix(']') == Some(service) {
                found = Some(Vec::new());
            }
            continue;
        }
        let Some(pairs) = &mut found else { continue };
        let place = || format!("{}, line {}", path.display(), index + 1);
        let (name, value) = line.split_once('=').ok_or_else(|| {
            refuse(format!("{}: not a keyword=value line", place()), "LDAP look-ups are not supported")
        })?;
        if matches!(name, "service" | "servicefile") {
            return Err(refuse(format!("{}: a service cannot name a service", place()), "remove the line"));
        }
        pairs.push((find(name, false)?, value.to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_up_from_the_named_section() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("services");
        std::fs::write(
            &path,
            "# c\n[other]\nhost=no\n[shop]\nhost=db.example\nport=5433\n\n[last]\nhost=no\n",
        )
        .unwrap();
        let path = path.display().to_string();
        let environment = |name: &str| (name == "PGSERVICEFILE").then(|| path.clone());
        let mut parameters = Parameters::default();
        parameters.fill_all(vec![(find("service", false).unwrap(), "shop".to_owned())], "the URL").unwrap();
        parameters.fill_all(vec![(find("port", false).unwrap(), "6000".to_owned())], "the URL").unwrap();
        fill(&mut parameters, &environment).unwrap();
        assert_eq!((parameters.get("host"), parameters.get("port")), (Some("db.example"), Some("6000")));

        let mut parameters = Parameters::default();
        parameters.fill_all(vec![(find("service", false).unwrap(), "none".to_owned())], "the URL").unwrap();
        let error = fill(&mut parameters, &environment).unwrap_err();
        assert_eq!(error.to_string(), "there is no connection service \"none\"");
    }
}
