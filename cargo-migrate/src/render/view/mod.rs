//! Results, one file for what belongs together.

mod down_diff;
mod drift;
mod dry_run;
mod files;
mod history;
mod local;
mod lock;
mod note;
mod repair;
mod report;
mod schema;
mod schema_diff;
mod settings;
mod status;
mod templates;
mod text;
mod verify;
mod verify_json;

pub(crate) use down_diff::DownDiffView;
pub(crate) use drift::DriftView;
pub(crate) use dry_run::DryRunView;
pub(crate) use files::{InitView, NewView};
pub(crate) use history::HistoryView;
pub(crate) use local::LocalView;
pub(crate) use lock::LockView;
pub(crate) use note::Note;
pub(crate) use repair::RepairView;
pub(crate) use report::ReportView;
pub(crate) use schema::{SchemaDigestView, SchemaView, ValidView};
pub(crate) use schema_diff::SchemaDiffView;
pub(crate) use settings::SettingsView;
pub(crate) use status::StatusView;
pub(crate) use templates::TemplatesView;
pub(crate) use text::TextView;
pub(crate) use verify::{VerifyView, progress};
