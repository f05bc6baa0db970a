//! Whose backups count, where several databases share a backup folder.

use migrate_runtime::Database;

use super::manifest::Manifest;
use crate::config::{Settings, Where};
use crate::inspection::Identity;

/// What is known of the database that a command is about, without connecting to it or with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whose {
    environment: Option<String>,
    /// Where it is, without the role.
    address: Option<String>,
    identity: Option<Identity>,
}

impl Whose {
    /// What the settings say. No server is asked, and the local one is not started.
    pub(crate) fn of(settings: &Settings) -> Self {
        let variable = |name: &str| settings.variables.get(name).map(|value| value.0.clone());
        let database = match settings.database.as_ref().map(|place| &place.value) {
            Ok(Where::Url(url)) => Database::resolve(Some(&url.0), &variable).ok(),
            Ok(Where::Variables) => {
                Database::resolve(None, &|name| variable(name).filter(|_| name != "DATABASE_URL")).ok()
            }
            Ok(Where::Local) | Err(_) => None,
        };
        Self {
            environment: settings.environment.as_ref().map(|environment| environment.value.clone()),
            address: database.map(|database| without_role(&database.to_string())),
            identity: None,
        }
    }

    /// With what the database itself says, which counts more than its address.
    pub(crate) fn with(self, identity: &Identity) -> Self {
        Self { identity: Some(identity.clone()), ..self }
    }

    /// Whether a backup is one of this database. Where nothing is known of it, all are.
    ///
    /// Two names of environments decide before all else: a staging server that was copied from production's disk has its
    /// system identifier, and its databases have the same names and oids.
    pub(crate) fn owns(&self, manifest: &Manifest) -> bool {
        if let (Some(own), Some(of)) = (&self.environment, &manifest.environment) {
            return own == of;
        }
        match (&self.identity, &self.address) {
            (Some(identity), _) => identity.is_akin(&manifest.identity),
            (None, Some(address)) => *address == without_role(&manifest.server),
            (None, None) => self.environment.is_none(),
        }
    }

    /// In words: `production`, `postgres://db:5432/shop`.
    pub(crate) fn name(&self) -> String {
        let environment = self.environment.as_ref().map(|name| format!("`{name}`"));
        environment.or_else(|| self.address.clone()).unwrap_or_else(|| "this database".to_owned())
    }
}

/// Who a backup is of, in words: its database, and the environment where it has one.
pub(crate) fn owner(manifest: &Manifest) -> String {
    match &manifest.environment {
        Some(environment) => format!("{} ({environment})", manifest.identity.database),
        None => manifest.identity.database.clone(),
    }
}

/// A role's name is percent-encoded: the first `@` is its end.
fn without_role(url: &str) -> String {
    match url.split_once("://").map(|(scheme, rest)| (scheme, rest.split_once('@'))) {
        Some((scheme, Some((_, place)))) => format!("{scheme}://{place}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::manifest::tests::manifest;
    use super::*;

    /// Of the environment and at the address that are given.
    pub(crate) fn whose(environment: Option<&str>, address: Option<&str>) -> Whose {
        Whose {
            environment: environment.map(str::to_owned),
            address: address.map(without_role),
            identity: None,
        }
    }

    #[test]
    fn environments_decide_and_else_the_database_and_else_its_address() {
        let mut of = manifest("backup-1");
        let here = Some("postgres://reader@db:5432/shop");
        assert!(whose(None, None).owns(&of) && whose(None, here).owns(&of));
        assert!(!whose(None, Some("postgres://postgres@db:5432/other")).owns(&of));
        // One that was made without a name, of the same place.
        assert!(whose(Some("production"), here).owns(&of));
        assert!(!whose(Some("production"), None).owns(&of));
        of.environment = Some("production".to_owned());
        assert!(whose(None, here).owns(&of) && whose(Some("production"), None).owns(&of));
        let staging = whose(Some("staging"), here).with(&of.identity);
        assert!(!staging.owns(&of), "a copy of its disk is another one");
        let moved = whose(None, Some("postgres://x@elsewhere/shop")).with(&of.identity);
        assert!(moved.owns(&of));
        let other = Identity { oid: 1, database: "x".to_owned(), ..of.identity.clone() };
        assert!(!whose(None, here).with(&other).owns(&of));
        assert_eq!(owner(&of), "shop (production)");
    }
}
