//! The servers that a connection is tried on, each with its own password.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::database::PasswordOrigin;
use super::environment::user_file;
use super::keyword::Parameters;
use super::passfile::{PassFile, Wanted};
use super::sslmode::invalid;
use super::{Environment, refuse};
use crate::Error;

const DEFAULT_PORT: u16 = 5432;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A name or an address, with the address to use instead of looking the name up.
    Tcp { name: String, address: Option<IpAddr> },
    /// The directory of a Unix socket.
    Unix(PathBuf),
}

/// One server.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) place: Place,
    pub(super) port: u16,
    pub(super) password: Option<Secret>,
}

/// A text that is never shown.
#[derive(Clone)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// The servers to try, in order, each with its own password.
pub(super) fn targets(
    parameters: &Parameters,
    environment: Environment<'_>,
    user: &str,
    dbname: &str,
) -> Result<(Vec<Target>, PasswordOrigin), Error> {
    let list = |name: &str| -> Vec<String> {
        parameters
            .get(name)
            .map(|text| text.split(',').map(|one| one.trim().to_owned()).collect())
            .unwrap_or_default()
    };
    let (hosts, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        return Err(refuse(
            format!("{} hosts and {} host addresses do not fit together", hosts.len(), addresses.len()),
            "give hostaddr (PGHOSTADDR) one address for each host, or leave it out",
        ));
    }
    let count = hosts.len().max(addresses.len()).max(1);
    if ports.len() > 1 && ports.len() != count {
        return Err(refuse(
            format!("{} ports and {count} hosts do not fit together", ports.len()),
            "give one port for all hosts, or one for each",
        ));
    }
    let path = parameters
        .get("passfile")
        .map(PathBuf::from)
        .or_else(|| user_file(environment, ".pgpass", "postgresql\\pgpass.conf"));
    let given = parameters.get("password").map(str::to_owned);
    let file = match (&given, &path) {
        (None, Some(path)) => PassFile::read(path),
        _ => PassFile::default(),
    };
    let mut from_file = false;
    let mut targets = Vec::with_capacity(count);
    for index in 0..count {
        let port = match ports.get(index).or(ports.first()).map(String::as_str) {
            None | Some("") => DEFAULT_PORT,
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| invalid("port", "a number from 1 to 65535"))?,
        };
        let host = hosts.get(index).map(String::as_str).filter(|host| !host.is_empty());
        let address = match addresses.get(index).filter(|address| !address.is_empty()) {
            None => None,
            Some(address) => Some(
                IpAddr::from_str(address)
                    .map_err(|_| invalid("hostaddr", "an IP address; names go into `host`"))?,
            ),
        };
        let (place, known_as) = match (host, address) {
            (None, None) => match default_socket_folder(port) {
                Some(folder) => (Place::Unix(folder), "localhost".to_owned()),
                None => (Place::Tcp { name: "localhost".to_owned(), address: None }, "localhost".to_owned()),
            },
            (Some(host), None) if cfg!(unix) && host.starts_with('/') => {
                let folder = PathBuf::from(host);
                let is_default = SOCKET_FOLDERS.iter().any(|default| Path::new(default) == folder);
                (Place::Unix(folder), if is_default { "localhost".to_owned() } else { host.to_owned() })
            }
            (host, address) => {
                let name = host.map(str::to_owned).or_else(|| address.map(|address| address.to_string()));
                let name = name.unwrap_or_default();
                (Place::Tcp { name: name.clone(), address }, name)
            }
        };
        let password = given.clone().or_else(|| {
            let found = file.password(Wanted { host: &known_as, port, dbname, user });
            from_file |= found.is_some();
            found
        });
        targets.push(Target { place, port, password: password.map(Secret) });
    }
    let origin = match (parameters.password_origin, path, file.ignored) {
        (Some(origin), _, _) if given.is_some() => PasswordOrigin::Given(origin),
        (_, Some(path), _) if from_file => PasswordOrigin::File(path),
        (_, _, Some((path, why))) => PasswordOrigin::IgnoredFile(path, why),
        _ => PasswordOrigin::None,
    };
    Ok((targets, origin))
}

/// Debian's server listens in the first one, PostgreSQL's own default is the second.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// The folder that has a socket for the port, else the first that is there. `None` where there are no Unix sockets.
fn default_socket_folder(port: u16) -> Option<PathBuf> {
    if !cfg!(unix) {
        return None;
    }
    let folders = SOCKET_FOLDERS.map(PathBuf::from);
    let listening = folders.iter().find(|folder| folder.join(format!(".s.PGSQL.{port}")).exists());
    listening.or_else(|| folders.iter().find(|folder| folder.is_dir())).or(folders.first()).cloned()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::Database;

    #[test]
    fn each_server_has_its_own_line_in_the_password_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".pgpass");
        let text = "h1:5432:d:u:one\nh2:5433:d:u:two\nlocalhost:5432:d:u:local\n/elsewhere:*:d:u:socket\n";
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let home = folder.path().display().to_string();
        let environment = |name: &str| (name == "HOME").then(|| home.clone());
        let passwords = |text: &str| -> Vec<Option<String>> {
            let database = Database::resolve(Some(text), &environment).unwrap();
            database
                .targets
                .iter()
                .map(|target| target.password.as_ref().map(|secret| secret.0.clone()))
                .collect()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(passwords("postgres://u@h1,h2:5433,h3/d"), [some("one"), some("two"), None]);
        assert_eq!(passwords("postgres://u@/d?host=/tmp"), [some("local")]);
        assert_eq!(passwords("postgres://u@/d?host=/elsewhere"), [some("socket")]);
        assert_eq!(passwords("postgres://u:given@h1/d"), [some("given")]);
        assert_eq!(passwords("postgres://u@h1/d?passfile=/nonexistent"), [None]);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let database = Database::resolve(Some("postgres://u@h1/d"), &environment).unwrap();
        assert!(matches!(&database.password_origin, PasswordOrigin::IgnoredFile(found, _) if *found == path));
    }
}
