//! What migrations make, found out on a database that is thrown away.

use migrate_core::schema::Schema;
use migrate_core::{Direction, Script};
use migrate_runtime::error::Failure;
use migrate_runtime::rehearsal::Rehearsal;
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Database, Error as EngineError, Interrupt, quote_identifier};
use migrate_testing::{Binaries, ScratchServer, ScratchSettings};

use crate::Problem;

/// A server for scratch databases.
pub(crate) struct Scratch {
    server: Server,
    major: u32,
}

enum Server {
    Shared(&'static ScratchServer),
    Own(Box<ScratchServer>),
}

impl Scratch {
    /// One of the major version of a server that its schemas will be compared with, where it can be had; without a
    /// `version` (`server_version_num`), any.
    pub(crate) fn like(version: Option<u32>) -> Result<Self, migrate_testing::Error> {
        let wanted = version.map(|version| version / 10_000);
        let usual = Binaries::find(None);
        let same = |binaries: &Binaries| wanted.is_none_or(|wanted| wanted == binaries.major);
        if !usual.as_ref().is_ok_and(same)
            && let Ok(binaries) = Binaries::find(wanted)
        {
            let major = binaries.major;
            let server =
                ScratchServer::start(ScratchSettings { binaries: Some(binaries), ..Default::default() })?;
            return Ok(Self { server: Server::Own(Box::new(server)), major });
        }
        let major = usual?.major;
        Ok(Self { server: Server::Shared(ScratchServer::shared()?), major })
    }

    /// One with the programs that this machine has, if it has any: where a deployment failed is no place to install some.
    pub(crate) fn present(version: u32) -> Option<Self> {
        let binaries = Binaries::present(Some(version / 10_000))?;
        let major = binaries.major;
        let settings = ScratchSettings { binaries: Some(binaries), ..Default::default() };
        let server = ScratchServer::start(settings).ok()?;
        Some(Self { server: Server::Own(Box::new(server)), major })
    }

    /// The major version that was had.
    pub(crate) fn major(&self) -> u32 {
        self.major
    }

    /// The schema that these scripts make, one after the other on an empty database.
    pub(crate) fn schema<'a>(
        &self,
        scripts: impl IntoIterator<Item = (&'a str, &'a Script)>,
        options: &SchemaOptions,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Schema> {
        let server = match &self.server {
            Server::Shared(server) => server,
            Server::Own(server) => &**server,
        };
        let scratch = server.database()?;
        // The variables of libpq mean another server.
        let database = Database::resolve(Some(scratch.url()), &|_| None)?;
        let mut rehearsal = Rehearsal::connect(&database, options.clone())?.interrupt(interrupt.clone());
        for (stem, script) in scripts {
            run(&mut rehearsal, script, stem, self.major)?;
        }
        let schema = rehearsal.schema()?;
        rehearsal.close();
        Ok(schema)
    }
}

/// Runs a script, and makes the roles that it takes for granted: they belong to the cluster, not to the migrations, and
/// this one is ours alone.
fn run(rehearsal: &mut Rehearsal, script: &Script, stem: &str, major: u32) -> anyhow::Result<()> {
    let mut made: Vec<String> = Vec::new();
    loop {
        let error = match rehearsal.run(script, stem, Direction::Up) {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        let Some(role) = missing_role(&error).filter(|role| !made.contains(role)) else {
            return Err(refused(error, stem, major));
        };
        let sql = format!("CREATE ROLE {}", quote_identifier(&role));
        let create = Script::parse("roles.sql", sql)?;
        if rehearsal.run(&create, "roles", Direction::Up).is_err() {
            return Err(refused(error, stem, major));
        }
        made.push(role);
    }
}

fn failure(error: &EngineError) -> Option<&Failure> {
    match error {
        EngineError::Failed { failure } => Some(failure),
        _ => None,
    }
}

/// The role of `role "x" does not exist`; a scratch server speaks English. Only of a script that left nothing behind.
pub(crate) fn missing_role(error: &EngineError) -> Option<String> {
    let server = &failure(error)?.server;
    let role = server.message.strip_prefix("role \"")?.strip_suffix("\" does not exist")?;
    (server.code == "42704").then(|| role.to_owned())
}

/// An extension that this machine lacks is no fault of the migration.
fn refused(error: EngineError, stem: &str, major: u32) -> anyhow::Error {
    let extension = failure(&error).and_then(|failure| missing_extension(&failure.server.message));
    match extension {
        Some(extension) => {
            let stem = stem.to_owned();
            Problem::NoExtension { extension, stem, major }.into()
        }
        None => error.into(),
    }
}

/// The extension of `extension "x" is not available` (since version 15), or of `could not open extension control file
/// "…/x.control"`.
fn missing_extension(message: &str) -> Option<String> {
    if let Some(rest) = message.strip_prefix("extension \"") {
        return rest.strip_suffix("\" is not available").map(str::to_owned);
    }
    let path = message.strip_prefix("could not open extension control file \"")?.split('"').next()?;
    path.rsplit('/').next()?.strip_suffix(".control").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_known_by_both_messages() {
        let old = "could not open extension control file \"/usr/share/postgresql/14/extension/postgis.control\": No such file or directory";
        assert_eq!(missing_extension(old).as_deref(), Some("postgis"));
        assert_eq!(missing_extension("extension \"postgis\" is not available").as_deref(), Some("postgis"));
        assert_eq!(missing_extension("extension \"x\" already exists"), None);
    }
}
