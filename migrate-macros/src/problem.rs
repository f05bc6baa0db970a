//! What is wrong, as compile errors: all of them at once, each with its file and the way out.

use std::path::{Path, PathBuf};

use migrate_core::folder;
use migrate_core::lock::{Difference, LockError};
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

/// Why nothing can be embedded.
pub(crate) enum Problem {
    /// `CARGO_MANIFEST_DIR` is not set.
    NoCargo,
    /// No folder was given, and there is none where one is looked for.
    NoFolder { looked: Vec<PathBuf> },
    /// A path of one machine.
    AbsoluteFolder { given: String },
    /// Something in the folder.
    Folder(folder::Problem),
    /// The lock is missing or unreadable.
    Lock(LockError),
    /// The recorded schema cannot be read.
    Schema { path: PathBuf, why: String },
    /// There is none, and something was expected of it.
    NoSchema { path: PathBuf },
    /// One file is not as the lock has it.
    Differs { path: PathBuf, difference: Difference, hint: String },
}

impl Problem {
    /// Each difference with the path of its file; anything else as it is.
    pub(crate) fn of_lock(error: LockError) -> Vec<Self> {
        let hint = error.hint();
        match error {
            LockError::Differs { path, differences } => differences
                .into_iter()
                .map(|difference| Self::Differs {
                    path: path.with_file_name(difference.file()),
                    difference,
                    hint: hint.clone(),
                })
                .collect(),
            other => vec![Self::Lock(other)],
        }
    }

    fn message(&self) -> String {
        match self {
            Self::NoCargo => "CARGO_MANIFEST_DIR is not set: build with cargo".to_owned(),
            Self::NoFolder { looked } => {
                let looked: Vec<_> = looked.iter().map(|path| format!("`{}`", path.display())).collect();
                format!("there is no migrations folder; looked for {}", looked.join(" and "))
            }
            Self::AbsoluteFolder { given } => format!("{given}: is a path of one machine only"),
            Self::Folder(problem) => problem.to_string(),
            Self::Lock(error) => error.to_string(),
            Self::Schema { path, why } => format!("{}: {why}", path.display()),
            Self::NoSchema { path } => {
                format!("{}: is not there, and so nothing can be expected of it", path.display())
            }
            // The same words with the whole path for the name.
            Self::Differs { path, difference, .. } => {
                difference.to_string().replacen(difference.file(), &path.display().to_string(), 1)
            }
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::NoCargo => "set it to the crate's folder where another build system is used".to_owned(),
            Self::NoFolder { .. } => {
                "create it with `cargo migrate init`, or name it: `embed!(\"path/from/the/crate\")`"
                    .to_owned()
            }
            Self::AbsoluteFolder { .. } => "write the path relative to the crate's Cargo.toml".to_owned(),
            Self::Folder(problem) => problem.hint(),
            Self::Lock(error) => error.hint(),
            Self::Schema { .. } | Self::NoSchema { .. } => {
                "write it with `cargo migrate verify --record`, and commit it".to_owned()
            }
            Self::Differs { hint, .. } => hint.clone(),
        }
    }
}

/// One `compile_error!` for each problem. Paths are written as rustc writes its own: relative to the workspace. What helps against
/// several in a row is said once, after the last.
pub(crate) fn errors(span: Span, project: Option<&Path>, problems: &[Problem]) -> TokenStream {
    let project = project.map(|project| format!("{}{}", project.display(), std::path::MAIN_SEPARATOR));
    let hints: Vec<_> = problems.iter().map(Problem::hint).collect();
    let error = |(index, problem): (usize, &Problem)| {
        let mut message = problem.message();
        if hints.get(index + 1) != hints.get(index) {
            message = format!("{message}\n  help: {}", hints[index]);
        }
        if let Some(project) = &project {
            message = message.replace(project, "");
        }
        quote_spanned! { span => ::core::compile_error! { #message } }
    };
    problems.iter().enumerate().map(error).collect()
}
