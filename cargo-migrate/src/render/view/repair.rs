//! What `repair` would change in the history, or did.

use migrate_runtime::{Repair, RepairPlan};
use serde_json::{Value, json};

use crate::render::words::count;
use crate::render::{Page, View, escape_line};

/// A plan, and whether it was carried out.
pub(crate) struct RepairView {
    pub(crate) plan: RepairPlan,
    pub(crate) done: bool,
}

fn sentence(repair: &Repair) -> String {
    match repair {
        Repair::AcceptChecksum { stem, recorded, found, cosmetic } => format!(
            "accept the file of {stem} as it is now{}: recorded {}, found {}",
            match cosmetic {
                Some(true) => " (only comments and white space differ)",
                Some(false) => " (its statements differ)",
                None => "",
            },
            short(recorded),
            short(found)
        ),
        Repair::Rename { recorded, stem } => format!("record {recorded} under its new name {stem}"),
        Repair::Forget { version } => format!("forget {version}, whose file is gone"),
        Repair::ClearDirty { version } => format!("forget {version}, of which no statement was finished"),
        Repair::MarkApplied { version } => format!("mark {version} as applied: every statement was finished"),
        other => format!("{other:?}"),
    }
}

/// As many digits of a checksum as a person compares.
fn short(checksum: &str) -> String {
    checksum.chars().take(12).collect()
}

fn value(repair: &Repair) -> Value {
    match repair {
        Repair::AcceptChecksum { stem, recorded, found, cosmetic } => json!({
            "kind": "accept_checksum", "migration": stem, "recorded": recorded, "found": found, "cosmetic": cosmetic,
        }),
        Repair::Rename { recorded, stem } => {
            json!({ "kind": "rename", "recorded": recorded, "migration": stem })
        }
        Repair::Forget { version } => json!({ "kind": "forget", "migration": version }),
        Repair::ClearDirty { version } => json!({ "kind": "clear_dirty", "migration": version }),
        Repair::MarkApplied { version } => json!({ "kind": "mark_applied", "migration": version }),
        _ => json!({ "kind": "other" }),
    }
}

/// A repair that was made, as the records have it: one line each, with the migration that it is about.
pub(crate) fn repaired(repair: &Repair) -> Value {
    let mut fields = value(repair);
    fields["message"] = sentence(repair).into();
    if let Repair::AcceptChecksum { found, .. } = repair {
        fields["checksum"] = found.as_str().into();
    }
    fields
}

impl View for RepairView {
    fn human(&self, page: Page) -> String {
        if self.plan.repairs.is_empty() {
            return "nothing to repair\n".to_owned();
        }
        let sign = if self.done { page.paint.good("done") } else { page.paint.note("plan") };
        let line = |repair| format!("{sign}: {}\n", escape_line(&sentence(repair)));
        let mut text: String = self.plan.repairs.iter().map(line).collect();
        if !self.done {
            let changes = count(self.plan.repairs.len(), "change");
            text += &format!(
                "{changes} to the history, none made yet: `cargo migrate repair --yes` makes them\n"
            );
        }
        text
    }

    fn json(&self) -> Value {
        json!({ "repairs": self.plan.repairs.iter().map(value).collect::<Value>(), "done": self.done })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Paint;

    #[test]
    fn a_plan_in_sentences() {
        let repairs = vec![
            Repair::AcceptChecksum {
                stem: "0001_a".into(),
                recorded: "a".repeat(64),
                found: "b".repeat(64),
                cosmetic: Some(true),
            },
            Repair::Rename { recorded: "0002_b".into(), stem: "0002_c".into() },
            Repair::Forget { version: "0003_\u{1b}".into() },
            Repair::ClearDirty { version: "0004_d".into() },
            Repair::MarkApplied { version: "0005_e".into() },
        ];
        let page = Page { width: None, paint: Paint::default() };
        let view = |done| RepairView { plan: RepairPlan { repairs: repairs.clone() }, done };
        insta::assert_snapshot!(format!("{}\n{}", view(false).human(page), view(true).human(page)));
        assert_eq!(
            RepairView { plan: RepairPlan::default(), done: false }.human(page),
            "nothing to repair\n"
        );
    }
}
