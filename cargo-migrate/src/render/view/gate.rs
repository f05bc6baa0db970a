//! What the gate of a protected environment says.

use std::time::Duration;

use migrate_core::sql::mask_text;
use migrate_runtime::event::Session;
use serde_json::{Value, json};

use crate::Problem;
use crate::gate::{Request, Saved};
use crate::render::json::milliseconds;
use crate::render::{Page, View, escape_line, words};

/// What the gate of a protected environment says.
pub(crate) enum GateView<'a> {
    /// This backup was made, or taken.
    Saved(&'a Saved),
    /// What it would say to a run: what is wrong with the preflight, if anything is.
    Would { checked: Option<Problem>, request: Request<'a> },
    /// Somebody else migrates; a backup made now would wait for their locks, and be of half of their work.
    Waiting { holder: Option<&'a Session>, wait: Duration },
}

impl View for GateView<'_> {
    fn human(&self, page: Page) -> String {
        let paint = page.paint;
        match self {
            Self::Saved(Saved { backup, taken }) => {
                let id = escape_line(&backup.manifest.id);
                let how = if *taken { "taken, as you said" } else { "made and read through" };
                format!("{}: {id} is {how}\n", paint.note("backup"))
            }
            Self::Waiting { holder, wait } => {
                let who = holder.map_or_else(String::new, |holder| format!(" ({})", words::session(holder)));
                let text = format!(
                    "another runner is at work{who}: waiting up to {} for it before the backup",
                    words::time(*wait)
                );
                format!("{}: {}\n", paint.note("gate"), escape_line(&mask_text(&text)))
            }
            Self::Would { checked, request } => {
                let forced = request.said.force.is_some();
                let (word, mut text) = match checked {
                    None => (paint.note("gate"), "the preflight passed and is fresh".to_owned()),
                    Some(problem) if forced => {
                        (paint.warn("gate"), format!("`--force` would go on although {problem}"))
                    }
                    Some(problem) => {
                        (paint.warn("gate"), format!("`{}` would be refused: {problem}", request.verb))
                    }
                };
                text = format!("{word}: {}\n", escape_line(&mask_text(&text)));
                if let Some(problem) = checked
                    && !forced
                {
                    for hint in problem.hint().split('\n') {
                        text += &format!("{}: {}\n", paint.note("hint"), escape_line(hint));
                    }
                }
                text += &match (request.backup, &request.said.backup, &request.said.skip_backup) {
                    (false, ..) => String::new(),
                    (true, Some(id), _) => {
                        format!("{}: {} would be taken\n", paint.note("gate"), escape_line(id))
                    }
                    (true, None, None) => {
                        format!("{}: a backup would be made first\n", paint.note("gate"))
                    }
                    (true, None, Some(_)) => {
                        format!("{}: no backup would be made\n", paint.warn("gate"))
                    }
                };
                text
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Saved(Saved { backup, taken }) => json!({
                "kind": "backup", "backup": backup.manifest.id, "made": !taken,
            }),
            Self::Waiting { holder, wait } => json!({
                "kind": "waiting", "pid": holder.map(|holder| holder.pid), "wait_ms": milliseconds(*wait),
            }),
            Self::Would { checked, request } => json!({
                "kind": "would",
                "verb": request.verb,
                "passes": checked.is_none() || request.said.force.is_some(),
                "problem": checked.as_ref().map(Problem::kind),
                "message": checked.as_ref().map(ToString::to_string),
                "backup": match (request.backup, &request.said.backup, &request.said.skip_backup) {
                    (false, ..) => "none needed",
                    (_, Some(_), _) => "taken",
                    (_, _, Some(_)) => "skipped",
                    _ => "made",
                },
            }),
        }
    }
}
