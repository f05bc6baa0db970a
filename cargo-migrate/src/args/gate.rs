//! What lets a change to a protected environment through: a passed preflight and a backup, or words that are kept.

use clap::Args;

use super::value;

/// What was said about the gate of a protected environment.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Protected environments")]
pub struct Gate {
    /// Go on without a fresh passing preflight, for this reason, which the audit log keeps
    #[arg(long, value_name = "REASON", value_parser = value::reason)]
    pub force: Option<String>,

    /// Go on without a backup, for this reason, which the audit log keeps
    #[arg(long, value_name = "REASON", value_parser = value::reason, conflicts_with = "backup")]
    pub skip_backup: Option<String>,

    /// Take this backup instead of making one: an id or `latest`; verified, of this database as it is now
    #[arg(long, value_name = "ID")]
    pub backup: Option<String>,
}

impl Gate {
    /// Everything that was said, for the audit log's reason; `None` where nothing was.
    pub(crate) fn reason(&self) -> Option<String> {
        match (&self.force, &self.skip_backup) {
            (Some(force), Some(skipped)) if force != skipped => {
                Some(format!("{force}; no backup: {skipped}"))
            }
            (Some(force), _) => Some(force.clone()),
            (None, Some(skipped)) => Some(format!("no backup: {skipped}")),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        gate: Gate,
    }

    #[test]
    fn a_reason_is_words() {
        for blank in ["", " ", "\t\n", "\u{a0}"] {
            assert!(Line::try_parse_from(["x", "--force", blank]).is_err(), "{blank:?}");
            assert!(Line::try_parse_from(["x", "--skip-backup", blank]).is_err(), "{blank:?}");
        }
        let line = Line::parse_from(["x", "--force", " the index is needed "]);
        assert_eq!(line.gate.force.as_deref(), Some("the index is needed"));
        assert!(Line::try_parse_from(["x", "--skip-backup", "a", "--backup", "latest"]).is_err());
    }

    #[test]
    fn both_reasons_are_kept() {
        let gate = |force: Option<&str>, skip: Option<&str>| Gate {
            force: force.map(str::to_owned),
            skip_backup: skip.map(str::to_owned),
            backup: None,
        };
        assert_eq!(gate(None, None).reason(), None);
        assert_eq!(gate(Some("a"), None).reason().as_deref(), Some("a"));
        assert_eq!(gate(None, Some("b")).reason().as_deref(), Some("no backup: b"));
        assert_eq!(gate(Some("a"), Some("b")).reason().as_deref(), Some("a; no backup: b"));
        assert_eq!(gate(Some("a"), Some("a")).reason().as_deref(), Some("a"));
    }
}
