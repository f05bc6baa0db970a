//! What a deployment set out to apply, and whether what is here now is still that.

use migrate_core::{Migration, Set};
use migrate_runtime::Status;
use serde::{Deserialize, Serialize};

use crate::inspection::Pending;

/// What a deployment set out to apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// In order.
    pub(crate) migrations: Vec<Planned>,
    /// What to do where it fails.
    pub(crate) on_failure: OnFailure,
}

/// One migration of a plan, with the checksums of both of its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) stem: String,
    pub(crate) up: String,
    pub(crate) down: Option<String>,
}

/// What to do with what was applied where the rest fails, or the postflight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Leave it as it is, and say how to go on.
    #[default]
    Stop,
    /// Roll back what this deployment applied, with the down scripts that were recorded.
    Rollback,
    /// Restore the backup beside the database and let the two change names; what was written since is in the old one.
    Restore,
}

impl OnFailure {
    /// As it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Rollback => "rollback",
            Self::Restore => "restore",
        }
    }
}

/// How a plan and what is here now go together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Migrations of the plan that the history has, partly applied ones too, in order.
    pub(crate) applied: Vec<String>,
    /// Those that it has not, and the partly applied ones, in order.
    pub(crate) left: Vec<String>,
    /// What is not as the plan has it.
    pub(crate) differences: Vec<Difference>,
}

/// Something that is not as a plan has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// A file has another text.
    Changed(String),
    /// The files are gone.
    Gone(String),
    /// It is pending, and no part of the plan.
    New(String),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed(file) => write!(f, "{file} was changed"),
            Self::Gone(stem) => write!(f, "{stem} is gone"),
            Self::New(stem) => write!(f, "{stem} is new"),
        }
    }
}

impl From<&Migration> for Planned {
    fn from(migration: &Migration) -> Self {
        Self {
            stem: migration.stem.to_string(),
            up: migration.up.checksum.to_string(),
            down: migration.down.as_ref().map(|down| down.checksum.to_string()),
        }
    }
}

impl Plan {
    /// Of what is pending.
    pub(crate) fn of(pending: &Pending, on_failure: OnFailure) -> Self {
        Self { migrations: pending.migrations().iter().map(Planned::from).collect(), on_failure }
    }

    /// Holds it against the files and the history.
    pub(crate) fn fit(&self, set: &Set, status: &Status) -> Fit {
        let mut fit = Fit::default();
        for planned in &self.migrations {
            let stem = &planned.stem;
            let recorded =
                status.entries.iter().find(|entry| entry.stem == *stem && entry.recorded.is_some());
            if recorded.is_some() {
                fit.applied.push(stem.clone());
            }
            let is_done = recorded.is_some_and(|entry| entry.state == migrate_core::State::Applied);
            if !is_done {
                fit.left.push(stem.clone());
            }
            match set.migrations.iter().find(|migration| migration.stem == *stem) {
                None => fit.differences.push(Difference::Gone(stem.clone())),
                Some(migration) => {
                    let now = Planned::from(migration);
                    if now.up != planned.up {
                        fit.differences.push(Difference::Changed(migration.up.file.to_string()));
                    }
                    if now.down != planned.down {
                        fit.differences.push(Difference::Changed(format!("{stem}.down.sql")));
                    }
                }
            }
        }
        let pending = Pending::of(set, status);
        let is_new = |migration: &&Migration| !self.migrations.iter().any(|p| migration.stem == p.stem);
        let new = pending.migrations().iter().filter(is_new);
        fit.differences.extend(new.map(|migration| Difference::New(migration.stem.to_string())));
        fit
    }
}

#[cfg(test)]
mod tests {
    use migrate_core::{Script, State, Version};
    use migrate_runtime::StatusEntry;

    use super::*;

    fn migration(number: u64, up: &str) -> Migration {
        let stem = format!("000{number}_x");
        let script =
            |half: &str, text: &str| Script::parse(&format!("{stem}.{half}.sql"), text.to_owned()).unwrap();
        let (up, down) = (script("up", up), script("down", "SELECT 2"));
        Migration { stem: stem.into(), version: Version::new(number), up, down: Some(down), check: None }
    }

    fn status(states: &[(&str, State)]) -> Status {
        let entry = |(stem, state): &(&str, State)| StatusEntry {
            stem: (*stem).to_owned(),
            state: *state,
            applied_at: None,
            duration: None,
            by: None,
            recorded: (*state != State::Pending).then(String::new),
            found: None,
            reversible: true,
        };
        let entries = states.iter().map(entry).collect();
        Status { database: String::new(), history_exists: true, entries }
    }

    #[test]
    fn the_plan_its_applied_part_and_other_files() {
        let set = |migrations: Vec<Migration>| Set::new("migrations", migrations);
        let three = set((1..=3).map(|number| migration(number, "SELECT 1")).collect());
        let all = status(&["0001_x", "0002_x", "0003_x"].map(|stem| (stem, State::Pending)));
        let plan = Plan::of(&Pending::of(&three, &all), OnFailure::Stop);
        let stems = |stems: &[&str]| stems.iter().map(|&stem| stem.to_owned()).collect::<Vec<_>>();
        let fit = plan.fit(&three, &all);
        assert_eq!((fit.applied, fit.left.len(), fit.differences), (vec![], 3, vec![]));

        let part =
            status(&[("0001_x", State::Applied), ("0002_x", State::Dirty), ("0003_x", State::Pending)]);
        let fit = plan.fit(&three, &part);
        assert_eq!(fit.applied, stems(&["0001_x", "0002_x"]));
        assert_eq!(fit.left, stems(&["0002_x", "0003_x"]));
        assert_eq!(fit.differences, []);

        let other = set(vec![migration(1, "SELECT 1"), migration(2, "SELECT 3"), migration(4, "SELECT 4")]);
        let now =
            status(&[("0001_x", State::Applied), ("0002_x", State::Pending), ("0004_x", State::Pending)]);
        let told: Vec<_> = plan.fit(&other, &now).differences.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["0002_x.up.sql was changed", "0003_x is gone", "0004_x is new"]);
    }

    #[test]
    fn it_reads_back_what_it_wrote() {
        let set = Set::new("migrations", vec![migration(1, "SELECT 1")]);
        let plan = Plan::of(&Pending::of(&set, &status(&[("0001_x", State::Pending)])), OnFailure::Rollback);
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
        assert!(text.contains("\"on_failure\":\"rollback\""), "{text}");
    }
}
