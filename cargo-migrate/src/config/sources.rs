//! What was said in each place: on the command line, in variables, in `.env` and in the metadata.

use super::metadata::nearest;
use super::{Dotenv, Origin, Project, Secret, Section, Sourced, Where};
use crate::args::Global;
use crate::{Environment, Problem};

/// What was said on the command line.
pub(super) fn argument<T: Clone>(value: &Option<T>, name: &'static str) -> Option<Sourced<T>> {
    value.clone().map(|value| Sourced::new(value, Origin::Argument(name)))
}

/// How near to the command a setting was said: the lesser one wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Argument,
    Variable,
    DotEnv,
    Metadata,
}

/// All that was said, wherever it was.
pub(super) struct Sources<'a> {
    global: &'a Global,
    env: &'a Environment,
    dotenv: &'a Dotenv,
    pub(super) environment: Option<Sourced<String>>,
    /// The named environment's section, then the base; each with its place.
    sections: Vec<(String, &'a Section)>,
    /// Those that could be named.
    environments: Vec<String>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(
        global: &'a Global,
        env: &'a Environment,
        dotenv: &'a Dotenv,
        project: Option<&'a Project>,
    ) -> Result<Self, Problem> {
        let known =
            project.and_then(|project| project.metadata.as_ref()).map(|metadata| &metadata.environments);
        let environments = known.into_iter().flat_map(|known| known.keys().cloned()).collect();
        let mut sources = Self { global, env, dotenv, environment: None, sections: Vec::new(), environments };
        sources.environment = argument(&global.env, "--env").or_else(|| {
            let (value, origin) = sources.variable("MIGRATE_ENV")?;
            Some(Sourced::new(value.to_owned(), origin))
        });
        let metadata = project.and_then(|project| project.metadata.as_ref());
        if let Some(environment) = &sources.environment {
            let name = &environment.value;
            let known = metadata.map(|metadata| &metadata.environments);
            let section =
                known.and_then(|known| known.get(name)).ok_or_else(|| Problem::UnknownEnvironment {
                    name: name.clone(),
                    origin: environment.origin.to_string(),
                    near: nearest(name, known.into_iter().flat_map(|known| known.keys().map(String::as_str))),
                    known: known.into_iter().flat_map(|known| known.keys().cloned()).collect(),
                })?;
            let place = metadata.map_or("", |metadata| &metadata.place);
            sources.sections.push((format!("{place}.env.{name}"), section));
        }
        if let Some(metadata) = metadata {
            sources.sections.push((metadata.place.clone(), &metadata.base));
        }
        Ok(sources)
    }

    /// What the metadata says: the named environment, then what holds for all.
    pub(super) fn said<T>(&self, key: &str, of: impl Fn(&Section) -> Option<T>) -> Option<Sourced<T>> {
        self.sections.iter().find_map(|(place, section)| {
            Some(Sourced::new(of(section)?, Origin::Metadata(format!("{place}.{key}"))))
        })
    }

    fn variable(&self, name: &str) -> Option<(&'a str, Origin)> {
        let of_process = self.env.get(name).map(|value| (value, Origin::Variable(name.to_owned())));
        of_process.or_else(|| {
            let origin = Origin::DotEnv { variable: name.to_owned(), path: self.dotenv.path.clone() };
            Some((self.dotenv.get(name)?, origin))
        })
    }

    /// Where the database is, by the nearest word.
    pub(super) fn database(&self) -> Result<Sourced<Where>, Problem> {
        let url = |text: &str| Where::Url(Secret(text.to_owned()));
        if let Some(text) = &self.global.database_url {
            return Ok(Sourced::new(url(text), Origin::Argument("--database-url")));
        }
        let named = self.environment.as_ref().and_then(|environment| {
            let rank = match environment.origin {
                Origin::Argument(_) => Rank::Argument,
                Origin::Variable(_) => Rank::Variable,
                _ => Rank::DotEnv,
            };
            let (place, section) = self.sections.first()?;
            Some((rank, format!("{place}.database"), section.database.as_ref()?))
        });
        let base = self.sections.last().and_then(|(place, section)| {
            Some((Rank::Metadata, format!("{place}.database"), section.database.as_ref()?))
        });
        let mut of_metadata = [named, base].into_iter().flatten();
        let metadata = of_metadata.next();
        let wins = |rank: Rank| metadata.as_ref().is_some_and(|(own, ..)| *own <= rank);
        if !wins(Rank::Variable) {
            if let Some(text) = self.env.get("DATABASE_URL") {
                return Ok(Sourced::new(url(text), Origin::Variable("DATABASE_URL".to_owned())));
            }
            if let Some(name) = LIBPQ.iter().find(|name| self.env.get(name).is_some()) {
                return Ok(Sourced::new(Where::Variables, Origin::Variable((*name).to_owned())));
            }
        }
        if !wins(Rank::DotEnv) {
            let origin = |variable: &str| Origin::DotEnv {
                variable: variable.to_owned(),
                path: self.dotenv.path.clone(),
            };
            if let Some(text) = self.dotenv.get("DATABASE_URL") {
                return Ok(Sourced::new(url(text), origin("DATABASE_URL")));
            }
            if let Some(name) = LIBPQ.iter().find(|name| self.dotenv.get(name).is_some()) {
                return Ok(Sourced::new(Where::Variables, origin(name)));
            }
        }
        let Some((_, key, Secret(text))) = metadata else {
            return Err(Problem::NoDatabase { known: self.environments.clone() });
        };
        if text == "local" {
            return Ok(Sourced::new(Where::Local, Origin::Metadata(key)));
        }
        match text.strip_prefix("env:") {
            Some(variable) => match self.variable(variable) {
                Some((value, origin)) => Ok(Sourced::new(url(value), origin)),
                None => Err(Problem::VariableNotSet { variable: variable.to_owned(), key }),
            },
            None => Ok(Sourced::new(url(text), Origin::Metadata(key))),
        }
    }
}

/// Those of libpq's variables that say *where*. PGUSER and PGPASSWORD alone name no database, and none is guessed.
const LIBPQ: [&str; 4] = ["PGSERVICE", "PGHOST", "PGHOSTADDR", "PGDATABASE"];
