//! The scripts that a run would run: for whoever wants to know what they would do.

use migrate_core::{Goal, Script, Set};

use crate::event::PlannedStep;
use crate::run::Runner;
use crate::{Error, Migrator};

/// One step of a run, with its script.
#[derive(Clone, Debug)]
pub struct PlannedScript {
    /// What is done.
    pub step: PlannedStep,
    /// With this text: of a down, the one that is in force.
    pub script: Script,
}

impl Runner<'_> {
    async fn planned_scripts(&self, set: &Set, goal: Goal) -> Result<Vec<PlannedScript>, Error> {
        let rows = self.read().await?;
        let plan = self.plan(set, &rows, goal).await?;
        let steps = self.scripts(&plan).await?;
        let planned = |step: crate::run::Prepared<'_>| PlannedScript {
            step: step.planned(),
            script: step.script.into_owned(),
        };
        Ok(steps.into_iter().map(planned).collect())
    }
}

impl Migrator {
    pub(crate) async fn planned_scripts_inner(&self, goal: Goal) -> Result<Vec<PlannedScript>, Error> {
        let runner = self.connect_briefly().await?;
        let scripts = runner.planned_scripts(self.set(), goal).await;
        runner.work.close().await;
        scripts
    }
}
