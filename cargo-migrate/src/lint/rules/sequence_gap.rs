//! `sequence-gap`: a number is missing where every migration has the next one.

use migrate_core::Set;

use super::migration_name::draft_of;
use crate::lint::Level;
use crate::lint::rule::{Check, Draft, Group, Owner, Rule};

pub(super) const RULE: Rule = Rule {
    name: "sequence-gap",
    owner: Owner::Ours,
    level: Level::Warn,
    group: Group::Style,
    what: "A version is left out in a folder that counts up by one.",
    why: "The migration was deleted, or it waits in a branch: merged later, it is older than what is applied then, and is \
          refused as out of order.",
    instead: "The next number (`cargo migrate new` takes it), or the migration that is missing.",
    check: Check::Folder(check),
};

fn check(set: &Set) -> Vec<(usize, Draft)> {
    let versions: Vec<u64> = set.migrations.iter().map(|migration| migration.version.number()).collect();
    let steps = versions.windows(2).filter(|pair| pair[1] - pair[0] == 1).count();
    // Timestamps, tens, or one by one? Only where nearly all are one apart is a gap a gap.
    if versions.len() < 3 || steps * 4 < (versions.len() - 1) * 3 {
        return Vec::new();
    }
    let gaps = versions.windows(2).enumerate().filter(|(_, pair)| pair[1] - pair[0] > 1);
    gaps.map(|(index, pair)| {
        let missing = match pair[1] - pair[0] {
            2 => format!("version {} is missing", pair[0] + 1),
            _ => format!("versions {} to {} are missing", pair[0] + 1, pair[1] - 1),
        };
        let help = "where it waits in a branch, it will come out of order".to_owned();
        (index + 1, draft_of(RULE.name, format!("{missing} before this one"), help))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::told_about_names;

    const RULE: &str = "sequence-gap";

    #[test]
    fn a_number_that_is_missing() {
        assert_eq!(told_about_names(&["0001_a", "0002_b", "0003_c", "0004_d", "0006_e"], RULE), ["0006_e"]);
    }

    #[test]
    fn folders_that_do_not_count_by_one() {
        assert!(told_about_names(&["0001_a", "0002_b", "0003_c"], RULE).is_empty());
        assert!(told_about_names(&["0010_a", "0020_b", "0030_c"], RULE).is_empty());
        assert!(
            told_about_names(&["20260102030405_a", "20260102030406_b", "20260202030406_c"], RULE).is_empty()
        );
        assert!(told_about_names(&["0001_a", "0009_b"], RULE).is_empty());
    }
}
