//! The templates that come with the program.

use include_dir::{Dir, include_dir};

use super::Template;
use crate::Problem;

static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// All of them, in the order of their names.
pub(super) fn all() -> Result<Vec<Template>, Problem> {
    let mut templates = Vec::new();
    for folder in FILES.dirs() {
        let name =
            |path: &std::path::Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let files = folder.files();
        let files: Vec<_> =
            files.filter_map(|file| Some((name(file.path()), file.contents_utf8()?.to_owned()))).collect();
        templates.push(Template::from_files(&name(folder.path()), false, &files)?);
    }
    templates.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(templates)
}

#[cfg(test)]
mod tests {
    use migrate_core::Script;

    use super::*;
    use crate::args::Parameter;

    #[test]
    fn all_that_are_promised_are_there() {
        let names: Vec<_> = all().unwrap().into_iter().map(|template| template.name).collect();
        for promised in [
            "table",
            "column",
            "not-null-column",
            "index-concurrently",
            "foreign-key",
            "rename-column",
            "enum-value",
            "data-archive",
            "function",
            "policy",
        ] {
            assert!(names.iter().any(|name| name == promised), "{promised}");
        }
    }

    #[test]
    fn each_one_has_a_description_and_makes_valid_migrations() {
        for template in all().unwrap() {
            assert!(!template.description.is_empty(), "{}", template.name);
            let parameters = template.parameters().into_iter();
            let given: Vec<_> = parameters
                .map(|one| Parameter {
                    value: one.default.unwrap_or_else(|| "thing".to_owned()),
                    key: one.name,
                })
                .collect();
            for (number, filled) in template.fill("do_it", &given).unwrap().into_iter().enumerate() {
                let what = format!("{} {}", template.name, number + 1);
                let scripts = [("up", Some(filled.up)), ("down", filled.down)];
                for (direction, text) in
                    scripts.into_iter().filter_map(|(direction, text)| Some((direction, text?)))
                {
                    assert!(
                        !text.contains("{{") && !text.contains("-- template:") && text.ends_with('\n'),
                        "{what}"
                    );
                    let script = Script::parse(&format!("0001_x.{direction}.sql"), text).unwrap();
                    assert!(
                        !script.statements.is_empty() || script.directives.irreversible.is_some(),
                        "{what}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_template_in_phases_names_them_apart() {
        for template in all().unwrap() {
            let given: Vec<_> = template
                .parameters()
                .into_iter()
                .map(|one| Parameter { key: one.name, value: "thing".to_owned() })
                .collect();
            let filled = template.fill("do_it", &given).unwrap();
            let mut names: Vec<_> = filled.iter().map(|one| one.description.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), template.phases.len(), "{}", template.name);
        }
    }
}
