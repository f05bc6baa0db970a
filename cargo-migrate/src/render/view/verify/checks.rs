//! What holds of all migrations, or does not: the list of a review.

use migrate_testing::verify::{Finding, Report};

use crate::checked::Checked;
use crate::lint::Level;
use crate::render::review::Check;

/// What holds of all migrations, or does not.
pub(super) fn checks(checked: &Checked) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut check = |holds: &str, passed: bool| checks.push(Check { holds: holds.to_owned(), passed });
    check("each file of the folder is sound, and none is missing", checked.folder.is_none());
    if checked.folder.is_some() {
        return checks;
    }
    // Where the lock may be changed, an outdated one is a remark.
    if checked.lock.is_none() || checked.locked {
        check("`migrations.lock` is that of the folder", checked.lock.is_none());
    }
    if let Some(base) = &checked.base {
        check(&format!("no file of `{}` was changed", base.rev), base.changes.is_empty());
    }
    if !checked.reports.is_empty() {
        let migrations = || checked.reports.iter().flat_map(|report| &report.migrations);
        let none = |of: fn(&Finding) -> bool| {
            !migrations().flat_map(|one| &one.findings).any(|it| of(it) && checked.is_error(it))
        };
        check("every up can be applied", none(|it| matches!(it, Finding::UpFails(_))));
        check("every down undoes exactly its up", none(is_of_down));
        check(
            "every up can be applied again after its down, and makes the same",
            none(|it| {
                !is_of_down(it)
                    && !is_of_record(it)
                    && !matches!(it, Finding::UpFails(_) | Finding::CheckFails(_))
            }),
        );
        let mut all = checked.reports.iter().flat_map(Report::findings);
        let mut set = checked.set.iter().flat_map(|set| set.migrations.iter());
        if set.any(|migration| migration.check.is_some()) || !checked.standing.is_empty() {
            check(
                "each check holds on an empty database",
                !all.any(|it| matches!(it, Finding::CheckFails(_))),
            );
        }
        if is_recorded(checked) {
            check(
                "what is recorded of the schema and its changes still holds",
                none(is_of_record) && (checked.outdated.is_none() || checked.recording),
            );
        }
        let mut chain = checked.reports.iter().flat_map(|report| &report.chain);
        check(
            "all downs and then all ups can be run, by the runner too",
            !chain.any(|it| checked.is_error(it) && !matches!(it, Finding::CheckFails(_))),
        );
    }
    if !checked.lint.is_empty() {
        let denied = checked.lint.iter().any(|finding| finding.level == Level::Deny);
        check("no rule of `lint` that is denied is broken", !denied);
    }
    checks
}

/// Whether `--record` was ever used.
fn is_recorded(checked: &Checked) -> bool {
    let mut migrations = checked.set.iter().flat_map(|set| set.migrations.iter());
    checked.outdated.is_some() || migrations.any(|migration| migration.up.change.is_some())
}

fn is_of_record(finding: &Finding) -> bool {
    matches!(finding, Finding::RecordedChangeDiffers { .. })
}

fn is_of_down(finding: &Finding) -> bool {
    matches!(
        finding,
        Finding::DownFails(_)
            | Finding::DiffersAfterDown(_)
            | Finding::OrderOnly(_)
            | Finding::WhiteSpaceOnly(_)
            | Finding::UndoesInAGroup { .. }
    )
}
