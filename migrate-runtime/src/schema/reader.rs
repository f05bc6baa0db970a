//! Reading a schema from a connection.

use migrate_core::Checksum;
use migrate_core::schema::Schema;
use std::collections::HashMap;

use super::SchemaOptions;
use super::cache::Cache;
use super::changes::{self, ALWAYS, Look};
use super::dialect::Dialect;
use super::prepared::{PLAN_ONCE, Prepared};
use super::presence::{self, Presence};
use super::query::{self, Scope};
use crate::Error;
use crate::message::AS_OURSELVES;
use crate::session::{Rows, Session};

const DOING: &str = "reading the schema";

/// Reads the schema of one database again and again, and each time only what changed since the last time.
pub(crate) struct SchemaReader {
    pub(super) options: SchemaOptions,
    cache: Option<Cache>,
    prepared: Option<Prepared>,
}

/// What the server's own printing of definitions depends on, and what would only cost time. The catalogs come first in
/// the path, so that no object of somebody's stands in front of them, and everything else is printed with its schema.
const SETTINGS: &str = "SET LOCAL search_path = pg_catalog, pg_temp;\
    SET LOCAL quote_all_identifiers = off;SET LOCAL standard_conforming_strings = on;\
    SET LOCAL DateStyle = 'ISO, YMD';SET LOCAL IntervalStyle = postgres;SET LOCAL TimeZone = 'UTC';\
    SET LOCAL extra_float_digits = 1;SET LOCAL bytea_output = hex;SET LOCAL xmlbinary = base64;\
    SET LOCAL lc_monetary = 'C';SET LOCAL lc_numeric = 'C';SET LOCAL lc_time = 'C';\
    SET LOCAL jit = off;SET LOCAL max_parallel_workers_per_gather = 0;SET LOCAL work_mem = '32MB'";

/// A few objects are found by their keys: without statistics of its catalogs the server may think otherwise.
const FEW: &str =
    "SET LOCAL enable_seqscan = off;SET LOCAL enable_hashjoin = off;SET LOCAL enable_mergejoin = off";
const MANY: &str =
    "SET LOCAL enable_seqscan = on;SET LOCAL enable_hashjoin = on;SET LOCAL enable_mergejoin = on;";

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Around a read within somebody's transaction: rolled back to, it takes the settings back too.
#[allow(dead_code, reason = "for the proof of a migration, which reads before it commits")]
const SAVEPOINT: &str = "cargo_migrate_schema";

impl SchemaReader {
    /// One that has read nothing yet.
    pub fn new(options: SchemaOptions) -> Self {
        Self { options, cache: None, prepared: None }
    }

    /// Lets the session keep what it is asked: it is ours for long, and no pooler stands in front of it.
    pub fn prepared(mut self) -> Self {
        self.prepared = Some(Prepared::default());
        self
    }

    /// What is known, taken out of here, for another session.
    pub fn take(&mut self) -> Self {
        let cache = self.cache.take();
        self.with(cache)
    }

    /// One for a database that was just made as a copy of the one that was read last.
    pub fn of_a_copy(&self) -> Self {
        let mut cache = self.cache.clone();
        if let Some(cache) = &mut cache {
            cache.look.moved();
        }
        self.with(cache)
    }

    /// One that knows this much, and of no statement that a session keeps.
    fn with(&self, cache: Option<Cache>) -> Self {
        let prepared = self.prepared.as_ref().map(|_| Prepared::default());
        Self { options: self.options.clone(), cache, prepared }
    }

    /// The schema now, in a read-only transaction of its own.
    pub async fn read(&mut self, session: &Session) -> Result<Schema, Error> {
        let mut schema = self.look(session, BEGIN, "ROLLBACK").await;
        if self.prepared.as_mut().is_some_and(|prepared| prepared.are_lost(&schema)) {
            session.ask(DOING, "ROLLBACK").await?;
            schema = self.look(session, BEGIN, "ROLLBACK").await;
        }
        if let (Ok(_), Some(cache)) = (&schema, &mut self.cache) {
            cache.committed();
        }
        self.end(session, schema).await
    }

    /// The schema as the transaction sees it that the session is in, its own changes included. Leaves its settings as
    /// they were.
    #[allow(dead_code, reason = "for the proof of a migration, which reads before it commits")]
    pub async fn read_inside(&mut self, session: &Session) -> Result<Schema, Error> {
        self.look(
            session,
            &format!("SAVEPOINT {SAVEPOINT}"),
            &format!("ROLLBACK TO SAVEPOINT {SAVEPOINT};RELEASE SAVEPOINT {SAVEPOINT}"),
        )
        .await
    }

    /// The schema now, where nobody will ask this reader again: without what it would need to see what changed.
    pub async fn read_once(self, session: &Session) -> Result<Schema, Error> {
        let schema = self.all(session).await;
        self.end(session, schema).await
    }

    async fn all(&self, session: &Session) -> Result<Schema, Error> {
        let (Server { dialect, presence }, _) = begin(session, BEGIN, presence::conditions(), "").await?;
        let sql = query::blocks(dialect, &presence, &self.options, &Scope::Everything).inline();
        let rows = session.ask(DOING, &format!("{sql};ROLLBACK")).await?;
        Ok(Cache::new(Look::default(), presence, &rows, None).schema)
    }

    /// The digest of the schema: computed by the server, unless the schema was read before and what changed is read
    /// sooner.
    pub async fn digest(&mut self, session: &Session) -> Result<Checksum, Error> {
        if self.cache.is_none() {
            let digest = self.digest_of_server(session).await;
            if let Some(digest) = self.end(session, digest).await? {
                return Ok(digest);
            }
        }
        Ok(self.read(session).await?.digest())
    }

    async fn digest_of_server(&self, session: &Session) -> Result<Option<Checksum>, Error> {
        let (server, _) = begin(session, BEGIN, presence::conditions(), "").await?;
        let sql = query::digest(server.dialect, &server.presence, &self.options);
        let rows = session.ask(DOING, &format!("{sql};ROLLBACK")).await?;
        Ok(rows.first().and_then(|row| row.get(0)?.parse().ok()))
    }

    /// A look at what there is, then at what changed, within one transaction; what ends it goes with the last message.
    async fn look(&mut self, session: &Session, before: &str, after: &str) -> Result<Schema, Error> {
        // What is read each time has to be looked for each time, the rest where something of another kind is written.
        let conditions = match &self.cache {
            Some(_) => presence::of_catalogs(&ALWAYS),
            None => presence::conditions(),
        };
        let query = Look::query(self.cache.as_ref().map(|cache| &cache.look));
        let sql = match &mut self.prepared {
            Some(prepared) => format!("{PLAN_ONCE};{}", prepared.ask(&query)),
            None => query.inline(),
        };
        let (Server { dialect, presence }, look) = begin(session, before, conditions, &sql).await?;
        let changed = self.cache.as_ref().and_then(|cache| look.changed(&cache.look));
        let (Some(cache), Some(changed)) = (&mut self.cache, changed) else {
            let presence = match &self.cache {
                Some(_) => ask_presence(session).await?,
                None => presence,
            };
            let sql = query::blocks(dialect, &presence, &self.options, &Scope::Everything).inline();
            let ready = match &mut self.prepared {
                Some(prepared) => {
                    // What most changes need: objects of `pg_class`, of which this one is none.
                    let mut scope: HashMap<_, _> =
                        ALWAYS.iter().map(|catalog| ((*catalog).to_owned(), None)).collect();
                    scope.insert("pg_class".to_owned(), Some(vec![0]));
                    let query = query::blocks(dialect, &presence, &self.options, &Scope::Only(scope));
                    format!("{FEW};{};", prepared.ask(&query))
                }
                None => String::new(),
            };
            let rows = session.ask(DOING, &format!("{sql};{ready}{after}")).await?;
            let cache = Cache::new(look, presence, &rows, self.cache.as_ref());
            return Ok(self.cache.insert(cache).schema.clone());
        };
        let touched = match changed.is_empty() {
            true => HashMap::new(),
            false => {
                let sql = changed.touched(cache.went(&changed));
                changes::by_catalog(&session.ask(DOING, &format!("{FEW};{sql}")).await?)
            }
        };
        if !changed.plain || touched.keys().any(|catalog| catalog != "pg_class") {
            cache.presence = ask_presence(session).await?;
        }
        cache.presence.replace(presence, &presence::of_catalogs(&ALWAYS));
        let mut again = ALWAYS.to_vec();
        if touched.contains_key("pg_operator") {
            // One names another, which no dependency tells.
            again.push("pg_operator");
        }
        let mut scope: HashMap<_, _> =
            touched.iter().map(|(catalog, oids)| (catalog.clone(), Some(oids.clone()))).collect();
        scope.extend(again.iter().map(|catalog| ((*catalog).to_owned(), None)));
        let rows = match query::asks_for_something(&cache.presence, &scope) {
            true => {
                let few = touched.values().map(Vec::len).sum::<usize>() < 200;
                let query = query::blocks(dialect, &cache.presence, &self.options, &Scope::Only(scope));
                let sql = match &mut self.prepared {
                    Some(prepared) if few => prepared.ask(&query),
                    _ if few => query.inline(),
                    _ => format!("{MANY}{}", query.inline()),
                };
                session.ask(DOING, &format!("{sql};{after}")).await?
            }
            false => session.ask(DOING, after).await?,
        };
        cache.update(look, &touched, &again, &rows);
        Ok(cache.schema.clone())
    }

    /// Leaves no transaction of ours open behind an error.
    async fn end<T>(&self, session: &Session, result: Result<T, Error>) -> Result<T, Error> {
        if result.is_err() && !session.is_closed() {
            session.ask(DOING, "ROLLBACK").await?;
        }
        result
    }
}

/// Begins, and asks what the server is and has, and for the sums.
async fn begin(
    session: &Session,
    before: &str,
    conditions: Vec<String>,
    look: &str,
) -> Result<(Server, Look), Error> {
    let begin = format!("{before};{AS_OURSELVES};{SETTINGS};{};{look}", Server::sql(&conditions));
    let rows = session.ask(DOING, &begin).await?;
    Ok((Server::read(&rows, conditions), Look::read(rows.iter().skip(1))))
}

/// What there is now.
async fn ask_presence(session: &Session) -> Result<Presence, Error> {
    let rows = session.ask(DOING, &Server::sql(&presence::conditions())).await?;
    Ok(Server::read(&rows, presence::conditions()).presence)
}

/// What the server is and has.
struct Server {
    dialect: Dialect,
    presence: Presence,
}

impl Server {
    fn sql(conditions: &[String]) -> String {
        format!(
            "SELECT current_setting('server_version_num')::int4 / 10000, \
             has_column_privilege('pg_subscription', 'subconninfo', 'SELECT'), {}",
            Presence::sql(conditions)
        )
    }

    fn read(rows: &Rows, conditions: Vec<String>) -> Self {
        let row = rows.first();
        let dialect = Dialect {
            major: row.and_then(|row| row.number(0)).unwrap_or_default(),
            reads_connections: row.is_some_and(|row| row.is_true(1)),
        };
        Self { dialect, presence: row.map(|row| Presence::read(row, 2, conditions)).unwrap_or_default() }
    }
}
