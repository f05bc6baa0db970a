//! The folder of migrations, and its lock.

use migrate_core::Set;
use migrate_core::folder::Problems;
use migrate_core::lock;
use migrate_runtime::in_one_line;

use super::{Line, Section};
use crate::config::Settings;
use crate::files;

pub(super) fn look(settings: &Settings) -> (Option<Set>, Vec<Line>) {
    let mut section = Section::new("migrations");
    let set = match files::read(settings) {
        Ok(set) => set,
        Err(error) => {
            match error.downcast_ref::<Problems>() {
                Some(problems) => {
                    for problem in &problems.problems {
                        section.fail("folder", problem.to_string(), problem.hint());
                    }
                }
                None => section.fail(
                    "folder",
                    in_one_line(error.as_ref()),
                    "see that it is there and may be read; --dir names another",
                ),
            }
            return (None, section.lines);
        }
    };
    let dir = settings.dir.value.display();
    match set.migrations.len() {
        0 => section.ok("folder", format!("no migrations in {dir}: `cargo migrate new` writes the first")),
        number => section.ok("folder", format!("{number} in {dir}")),
    }
    match lock::check(&settings.dir.value, &set) {
        Ok(()) => section.ok("lock", format!("{} fits the folder", lock::FILE_NAME)),
        // The developer's verbs write it.
        Err(_) if set.migrations.is_empty() => {}
        Err(error) if settings.locked.value => section.fail("lock", error.to_string(), error.hint()),
        Err(error) => section.warn("lock", error.to_string(), error.hint()),
    }
    (Some(set), section.lines)
}
