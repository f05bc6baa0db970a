//! Templates of `new`: folders of up and down scripts with placeholders, built in or a project's own.

mod built_in;
mod derive;
mod placeholder;

use std::fs;
use std::path::{Path, PathBuf};

use migrate_core::name;

pub(crate) use derive::derive;
pub(crate) use placeholder::Placeholder;

use crate::Problem;
use crate::args::Parameter;
use crate::config::metadata::nearest;

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    /// The name of its folder.
    pub(crate) name: String,
    /// The first line of its first up script.
    pub(crate) description: String,
    /// Whether it is the project's own.
    pub(crate) is_own: bool,
    /// The migrations that it makes, in order.
    pub(crate) phases: Vec<Phase>,
}

/// One migration of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    /// The description in the file name, with placeholders.
    name: String,
    up: String,
    /// None where the up script is irreversible.
    down: Option<String>,
}

/// A migration with its placeholders filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filled {
    pub(crate) description: String,
    pub(crate) up: String,
    pub(crate) down: Option<String>,
}

const DESCRIPTION: &str = "-- template:";
const NAME: &str = "-- name:";

impl Template {
    /// A template from its files, by their names.
    fn from_files(name: &str, is_own: bool, files: &[(String, String)]) -> Result<Self, Problem> {
        let bad = |why: String| Problem::BadTemplate { name: name.to_owned(), why };
        let text =
            |wanted: &str| files.iter().find(|(file, _)| file == wanted).map(|(_, text)| text.as_str());
        let mut template =
            Self { name: name.to_owned(), description: String::new(), is_own, phases: Vec::new() };
        for number in 1.. {
            let suffix = if number == 1 { String::new() } else { format!(".{number}") };
            let Some(up) = text(&format!("up{suffix}.sql")) else { break };
            let (mut description, mut phase_name, up) = head(up);
            if number == 1 {
                template.description = description.take().unwrap_or_default();
            }
            let default = if number == 1 { "{{name}}".to_owned() } else { format!("{{{{name}}}}_{number}") };
            template.phases.push(Phase {
                name: phase_name.take().unwrap_or(default),
                up,
                down: text(&format!("down{suffix}.sql")).map(|down| head(down).2),
            });
        }
        if template.phases.is_empty() {
            return Err(bad("there is no up.sql in it".to_owned()));
        }
        let used = |file: &str| {
            let number = file.trim_start_matches("up").trim_start_matches("down").trim_end_matches(".sql");
            let number = number.trim_start_matches('.');
            let number = if number.is_empty() { Some(1) } else { number.parse().ok() };
            (file.starts_with("up.") || file.starts_with("down."))
                && number.is_some_and(|number: usize| (1..=template.phases.len()).contains(&number))
        };
        match files.iter().find(|(file, _)| file.ends_with(".sql") && !used(file)) {
            Some((file, _)) => {
                Err(bad(format!("{file} is not used: phases are up.sql, up.2.sql, up.3.sql … without a gap")))
            }
            None => Ok(template),
        }
    }

    /// What it takes, in the order of appearance; `name` is the migration's own and not among them.
    pub(crate) fn parameters(&self) -> Vec<Placeholder> {
        let texts =
            self.phases.iter().flat_map(|phase| [Some(&phase.name), Some(&phase.up), phase.down.as_ref()]);
        let mut found: Vec<Placeholder> = Vec::new();
        for placeholder in texts.flatten().flat_map(|text| placeholder::find(text)) {
            match found.iter_mut().find(|known| known.name == placeholder.name) {
                Some(known) if known.default.is_none() => known.default = placeholder.default,
                Some(_) => {}
                None => found.push(placeholder),
            }
        }
        found.retain(|placeholder| placeholder.name != "name");
        found
    }

    /// The migrations, for a description and the parameters that were given.
    pub(crate) fn fill(&self, description: &str, given: &[Parameter]) -> Result<Vec<Filled>, Problem> {
        let parameters = self.parameters();
        if let Some(unknown) = given.iter().find(|one| !parameters.iter().any(|known| known.name == one.key))
        {
            return Err(Problem::UnknownParameter {
                template: self.name.clone(),
                parameter: unknown.key.clone(),
                known: parameters.into_iter().map(|known| known.name).collect(),
            });
        }
        let derived = derive(description);
        let value = |name: &str| {
            if name == "name" {
                return Some(description.to_owned());
            }
            let given = given.iter().rev().find(|one| one.key == name).map(|one| one.value.clone());
            // A default is the template's word and beats a guess from the name: `type` is a column's as well as an enum's.
            given
                .or_else(|| parameters.iter().find(|known| known.name == name)?.default.clone())
                .or_else(|| derived.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
        };
        let missing: Vec<_> =
            parameters.iter().filter(|one| value(&one.name).is_none()).map(|one| one.name.clone()).collect();
        if !missing.is_empty() {
            return Err(Problem::MissingParameters { template: self.name.clone(), missing });
        }
        let filled = |text: &str| placeholder::fill(text, |name| value(name).unwrap_or_default());
        self.phases
            .iter()
            .map(|phase| {
                let name = filled(&phase.name);
                let description = name::slug(&name).ok_or(Problem::BadName { name })?;
                Ok(Filled { description, up: filled(&phase.up), down: phase.down.as_deref().map(filled) })
            })
            .collect()
    }
}

/// Description and name from the head of a script, and the script without them.
fn head(text: &str) -> (Option<String>, Option<String>, String) {
    let (mut description, mut name) = (None, None);
    let mut rest = text.trim_start_matches('\u{feff}');
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if let Some(found) = line.strip_prefix(DESCRIPTION) {
            description = Some(found.trim().to_owned());
        } else if let Some(found) = line.strip_prefix(NAME) {
            name = Some(found.trim().to_owned());
        } else {
            return (description, name, rest.to_owned());
        }
        rest = after;
    }
}

/// All templates: the built-in ones, with the project's own over and beside them, by name.
pub(crate) fn all(dir: &Path) -> Result<Vec<Template>, Problem> {
    let mut templates = own(&dir.join("templates"))?;
    for built_in in built_in::all()? {
        if !templates.iter().any(|own| own.name == built_in.name) {
            templates.push(built_in);
        }
    }
    templates.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(templates)
}

/// The template of this name.
pub(crate) fn find(dir: &Path, name: &str) -> Result<Template, Problem> {
    let templates = all(dir)?;
    let near = nearest(name, templates.iter().map(|template| template.name.as_str()));
    templates
        .into_iter()
        .find(|template| template.name == name)
        .ok_or_else(|| Problem::NoSuchTemplate { name: name.to_owned(), near })
}

fn own(folder: &Path) -> Result<Vec<Template>, Problem> {
    let mut templates = Vec::new();
    for path in entries(folder)? {
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut files = Vec::new();
        for file in entries(&path)? {
            let text = fs::read_to_string(&file).map_err(Problem::io(&file))?;
            files.push((file.file_name().unwrap_or_default().to_string_lossy().into_owned(), text));
        }
        templates.push(Template::from_files(&name, true, &files)?);
    }
    Ok(templates)
}

/// What is in a folder, in the order of the names; nothing where there is no folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Problem::io(folder)(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(Problem::io(folder))?.path());
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(files: &[(&str, &str)]) -> Result<Template, Problem> {
        let files: Vec<_> =
            files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
        Template::from_files("t", true, &files)
    }

    fn two_phases() -> Template {
        template(&[
            ("up.sql", "-- template: a check in two phases\nALTER TABLE {{table}} ADD {{type:text}};\n"),
            ("down.sql", "ALTER TABLE {{table}} DROP {{column}};\n"),
            ("up.2.sql", "-- name: {{name}}_validate\n-- Phase 2.\nSELECT '{{name}}';\n"),
        ])
        .unwrap()
    }

    fn given(pairs: &[(&str, &str)]) -> Vec<Parameter> {
        pairs.iter().map(|(key, value)| Parameter { key: (*key).into(), value: (*value).into() }).collect()
    }

    #[test]
    fn phases_become_migrations() {
        let template = two_phases();
        assert_eq!(template.description, "a check in two phases");
        let names: Vec<_> = template.parameters().into_iter().map(|one| (one.name, one.default)).collect();
        assert_eq!(
            names,
            [("table".into(), None), ("type".into(), Some("text".into())), ("column".into(), None)]
        );
        let filled =
            template.fill("check_it", &given(&[("table", "a"), ("table", "b"), ("column", "c")])).unwrap();
        assert_eq!(
            filled,
            [
                Filled {
                    description: "check_it".into(),
                    up: "ALTER TABLE b ADD text;\n".into(),
                    down: Some("ALTER TABLE b DROP c;\n".into()),
                },
                Filled {
                    description: "check_it_validate".into(),
                    up: "-- Phase 2.\nSELECT 'check_it';\n".into(),
                    down: None,
                },
            ]
        );
    }

    #[test]
    fn what_the_name_says_need_not_be_passed() {
        let filled = two_phases().fill("add_price_to_products", &[]).unwrap();
        assert_eq!(filled[0].down.as_deref(), Some("ALTER TABLE products DROP price;\n"));
        let filled = two_phases().fill("add_price_to_products", &given(&[("column", "cost")])).unwrap();
        assert_eq!(filled[0].down.as_deref(), Some("ALTER TABLE products DROP cost;\n"));
    }

    #[test]
    fn missing_and_unknown_parameters_are_refused() {
        match two_phases().fill("x", &given(&[("table", "a")])) {
            Err(Problem::MissingParameters { missing, .. }) => assert_eq!(missing, ["column"]),
            other => panic!("{other:?}"),
        }
        let unknown = two_phases().fill("x", &given(&[("tabel", "a")]));
        assert!(matches!(unknown, Err(Problem::UnknownParameter { .. })));
    }

    #[test]
    fn a_template_without_up_or_with_a_gap_is_refused() {
        assert!(matches!(template(&[("down.sql", "")]), Err(Problem::BadTemplate { .. })));
        let gap = template(&[("up.sql", "SELECT 1;"), ("up.3.sql", "SELECT 1;")]);
        assert!(matches!(gap, Err(Problem::BadTemplate { .. })));
        assert!(template(&[("up.sql", "SELECT 1;"), ("README.md", "")]).is_ok());
    }

    #[test]
    fn own_templates_stand_over_the_built_in_ones() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("templates/table");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("up.sql"), "-- template: ours\nSELECT 1;\n").unwrap();
        let found = find(dir.path(), "table").unwrap();
        assert_eq!((found.description.as_str(), found.is_own), ("ours", true));
        match find(dir.path(), "tabel") {
            Err(Problem::NoSuchTemplate { near, .. }) => assert_eq!(near.as_deref(), Some("table")),
            other => panic!("{other:?}"),
        }
    }
}
