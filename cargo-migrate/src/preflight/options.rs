//! What a preflight is told.

use std::str::FromStr;

use migrate_core::sql::mask_text;

use super::CHECKS;
use super::marker::Allowed;
use crate::inspection::Limits;

/// What a preflight is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) limits: Limits,
    /// Failures that are to be warnings.
    pub(crate) allow: Vec<Allow>,
}

/// `CHECK=REASON`: a failure of this check is allowed, for this reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow(pub(crate) Allowed);

impl FromStr for Allow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (check, reason) = text.split_once('=').unwrap_or((text, ""));
        let (check, reason) = (check.trim(), reason.trim());
        let names = || CHECKS.iter().map(|check| check.name());
        if !names().any(|name| name == check) {
            let near = names().map(|name| (strsim::osa_distance(name, check), name)).min();
            let near = near.filter(|(distance, _)| *distance <= 3);
            return Err(match near {
                Some((_, near)) => format!("there is no check `{check}`; did you mean `{near}`?"),
                None => format!(
                    "there is no check `{check}`; there are {}",
                    names().collect::<Vec<_>>().join(", ")
                ),
            });
        }
        if reason.is_empty() {
            return Err(format!("say why: --allow \"{check}=REASON\"; the audit log keeps it"));
        }
        Ok(Self(Allowed { check: check.to_owned(), reason: mask_text(reason).into_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_and_a_reason() {
        let allow: Allow = "long-transactions = the nightly report, 20:00 to 20:10".parse().unwrap();
        assert_eq!(
            (allow.0.check.as_str(), allow.0.reason.as_str()),
            ("long-transactions", "the nightly report, 20:00 to 20:10")
        );
        let error = |text: &str| text.parse::<Allow>().unwrap_err();
        assert!(error("long-transaction=x").contains("did you mean `long-transactions`"));
        assert!(error("everything=x").contains("history"));
        assert!(error("long-transactions").contains("say why"));
        assert!(error("long-transactions= ").contains("say why"));
    }
}
