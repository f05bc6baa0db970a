//! What `doctor` looked at, line by line.

use migrate_core::sql::mask_text;
use serde_json::{Value, json};

use crate::doctor::Line;
use crate::inspection::Severity;
use crate::render::words::count;
use crate::render::{Page, View, escape_line};

/// What was looked at, section by section.
pub(crate) struct DoctorView(pub(crate) Vec<Line>);

/// As people and programs read it: here a fact is a good one.
fn verdict(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "ok",
        other => other.name(),
    }
}

impl View for DoctorView {
    fn human(&self, page: Page) -> String {
        let paint = page.paint;
        let (mut text, mut section) = (String::new(), "");
        let width = self.0.iter().map(|line| line.name.len()).max().unwrap_or_default();
        for line in &self.0 {
            if line.section != section {
                section = line.section;
                text += &format!("{}\n", paint.bold(section));
            }
            let verdict = format!("{:>7}", verdict(line.severity));
            let verdict = match line.severity {
                Severity::Info => paint.good(&verdict),
                Severity::Warning => paint.warn(&verdict),
                Severity::Failure => paint.bad(&verdict),
            };
            let (name, what) = (escape_line(&line.name), mask_text(&line.what));
            text += &format!("{verdict}  {name:<width$}  {}\n", escape_line(&what));
            if let Some(remedy) = &line.remedy {
                let indent = " ".repeat(width + 11);
                text += &format!("{indent}{} {}\n", paint.note("->"), escape_line(remedy));
            }
        }
        let of = |severity| self.0.iter().filter(|line| line.severity == severity).count();
        let (failures, warnings) = (of(Severity::Failure), of(Severity::Warning));
        text + &match (failures, warnings) {
            (0, 0) => "everything is there\n".to_owned(),
            (0, warnings) => format!("everything needed is there; {}\n", count(warnings, "warning")),
            (failures, 0) => format!("{}\n", count(failures, "failure")),
            (failures, warnings) => {
                format!("{}, {}\n", count(failures, "failure"), count(warnings, "warning"))
            }
        }
    }

    fn json(&self) -> Value {
        let line = |line: &Line| {
            json!({
                "section": line.section,
                "name": line.name,
                "verdict": verdict(line.severity),
                "what": mask_text(&line.what),
                "remedy": line.remedy,
            })
        };
        json!({
            "ok": self.0.iter().all(|line| line.severity != Severity::Failure),
            "checks": self.0.iter().map(line).collect::<Value>(),
        })
    }
}
