//! Configuration: what was said where, and which of it holds.

pub mod dotenv;
pub mod lint;
pub mod metadata;
pub mod project;
pub mod resolve;
mod settings;
mod sources;

pub use dotenv::Dotenv;
pub use lint::Lint;
pub use metadata::{Metadata, Section};
pub use project::Project;
pub(crate) use resolve::HOME;
pub use resolve::resolve;
pub use settings::{Local, Origin, Secret, Settings, Sourced, Where};

use crate::args::Global;
use crate::{Context, Problem};

/// Reads the surroundings and resolves them: the one impure step before [`resolve()`]. `locked` is the verb's own
/// `--locked`.
pub fn load(global: &Global, locked: Option<bool>, context: &Context) -> Result<Settings, Problem> {
    let said_all = global.dir.is_some() && global.database_url.is_some() && global.env.is_none();
    let project = if said_all && global.history_table.is_some() {
        None
    } else {
        match project::find(context) {
            // A production box has the sources and no cargo at times: what is needed was said.
            Err(Problem::NoCargo { .. }) if said_all => None,
            found => found?,
        }
    };
    let dotenv = dotenv::find(&context.cwd, project.as_ref().map(|project| project.root.as_path()))?;
    let mut settings = resolve(global, locked, &context.env, &dotenv, project.as_ref(), &context.cwd)?;
    // Paths are shown as a person who is here would type them.
    if std::env::current_dir().is_ok_and(|folder| folder == context.cwd)
        && let Ok(relative) = settings.dir.value.strip_prefix(&context.cwd)
        && !relative.as_os_str().is_empty()
    {
        settings.dir.value = relative.to_owned();
    }
    Ok(settings)
}
