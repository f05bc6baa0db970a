//! What a rule of `lint` says of a statement, its risk does not say again.

use std::collections::BTreeMap;

use migrate_core::{Script, Set};

use crate::checked::Risks;
use crate::lint::{Finding, Group, find};
use crate::risk::{Danger, Risk};

/// The risks without the reasons that a finding tells of: the same danger of the same statement. Their levels stay.
pub(crate) fn without_findings(
    risks: &BTreeMap<String, Risks>,
    findings: &[Finding],
    set: &Set,
) -> BTreeMap<String, Risks> {
    let mut left = risks.clone();
    for finding in findings {
        let Some((danger, risks)) = danger(finding).zip(left.get_mut(&finding.stem)) else { continue };
        let Some(migration) = set.find_recorded(&finding.stem) else { continue };
        let (script, risk): (&Script, &mut Risk) = match &migration.down {
            Some(down) if down.file == finding.file => (down, &mut risks.down),
            _ => (&migration.up, &mut risks.up),
        };
        let statement = script.statements.iter().rfind(|statement| statement.start <= finding.span.start);
        if let Some(statement) = statement {
            risk.reasons.retain(|reason| (reason.start, reason.danger) != (statement.start, danger));
        }
    }
    left
}

/// What a finding warns of, where it is one of the dangers that make a risk.
fn danger(finding: &Finding) -> Option<Danger> {
    match find(&finding.rule)?.group {
        Group::Blocks if finding.rule == "schema-and-data" => Some(Danger::Held),
        // A column that needs a value of every row fails where it does not wait.
        Group::Blocks | Group::Fails => Some(Danger::Waits),
        Group::Loses | Group::Breaks => Some(Danger::Loses),
        Group::Style => None,
    }
}

#[cfg(test)]
mod tests {
    use migrate_core::{Direction, Migration, Version};

    use super::*;
    use crate::lint::{Options, check};
    use crate::risk::Book;

    #[test]
    fn a_danger_is_told_by_the_finding_alone() {
        let sql = "CREATE INDEX i ON t (a);\nALTER TABLE t ADD CHECK (a > 0);\n\nDROP TABLE u;\nDELETE FROM v; DROP TABLE w;\n";
        let up = Script::parse("0001_a.up.sql", sql.to_owned()).unwrap();
        let down = Script::parse("0001_a.down.sql", "CREATE INDEX j ON t (b);".to_owned()).unwrap();
        let migration =
            Migration { stem: "0001_a".into(), version: Version::new(1), up, down: Some(down), check: None };
        let set = Set::new("migrations", vec![migration]);
        let book = Book::read(&set, |_| true);
        let of = |direction| book.of_text("0001_a", direction);
        let risks = Risks { up: of(Direction::Up), down: of(Direction::Down) };
        let before = risks.up.level;
        let risks = BTreeMap::from([("0001_a".to_owned(), risks)]);
        let left = without_findings(&risks, &check(&set, &Options::default()), &set);
        let left = &left["0001_a"];
        let told: Vec<_> = left.up.reasons.iter().map(|reason| (reason.line, reason.danger)).collect();
        // What no rule says: the first lock is held, and the rows of the DELETE are locked.
        assert!(told.iter().all(|(line, danger)| *danger == Danger::Held || *line == 5), "{told:?}");
        assert!(told.contains(&(5, Danger::Waits)) && !told.contains(&(5, Danger::Loses)), "{told:?}");
        assert_eq!(left.up.level, before);
        assert!(left.down.reasons.is_empty(), "{:?}", left.down);
        assert!(!without_findings(&risks, &[], &set)["0001_a"].down.reasons.is_empty());
    }
}
