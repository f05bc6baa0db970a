//! The project's own server.

use migrate_testing::LocalStatus;
use serde_json::{Value, json};

use crate::render::{Page, View, escape_line};

/// What there is of the server, or what was done with it.
pub(crate) enum LocalView {
    /// It runs, and this is the database.
    Started(String),
    /// Whether it ran before.
    Stopped(bool),
    /// Whether there was anything.
    Reset(bool),
    /// What there is.
    Status(LocalStatus),
}

impl View for LocalView {
    fn human(&self, _: Page) -> String {
        match self {
            Self::Started(url) => format!("{}\n", escape_line(url)),
            Self::Stopped(true) => "stopped\n".to_owned(),
            Self::Stopped(false) => "it was not running\n".to_owned(),
            Self::Reset(true) => "removed, with all of its databases\n".to_owned(),
            Self::Reset(false) => "there was nothing to remove\n".to_owned(),
            Self::Status(LocalStatus::Absent) => {
                "there is none yet: `cargo migrate local start` makes it\n".to_owned()
            }
            Self::Status(LocalStatus::Stopped { major, data }) => {
                format!("stopped: PostgreSQL {major}, kept in {}\n", escape_line(&data.display().to_string()))
            }
            Self::Status(LocalStatus::Running { pid, major, data, socket_folder, clients }) => format!(
                "running: PostgreSQL {major}, process {pid}, {clients} connected\n  data   {}\n  socket {}\n",
                escape_line(&data.display().to_string()),
                escape_line(&socket_folder.display().to_string())
            ),
            Self::Status(_) => "unknown\n".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Started(url) => json!({ "state": "running", "url": url }),
            Self::Stopped(changed) => json!({ "state": "stopped", "changed": changed }),
            Self::Reset(changed) => json!({ "state": "absent", "changed": changed }),
            Self::Status(LocalStatus::Absent) => json!({ "state": "absent" }),
            Self::Status(LocalStatus::Stopped { major, data }) => {
                json!({ "state": "stopped", "major": major, "data": data.display().to_string() })
            }
            Self::Status(LocalStatus::Running { pid, major, data, socket_folder, clients }) => json!({
                "state": "running", "pid": pid, "major": major, "data": data.display().to_string(),
                "socket_folder": socket_folder.display().to_string(), "clients": clients,
            }),
            Self::Status(_) => json!({ "state": "unknown" }),
        }
    }
}
