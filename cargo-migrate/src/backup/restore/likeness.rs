//! What a database is besides what is in it: what `CREATE DATABASE` is told to make another like it, and what pg_dump leaves
//! out without `--create` (its `dumpDatabase` and `dumpDatabaseConfig`).

use std::collections::BTreeSet;

use migrate_runtime::{Connection, Error as EngineError, quote_identifier, quote_literal};
use serde::Deserialize;

use super::locale::Locale;
use super::setting;

/// A database, without its contents. There is no `Debug`: a setting can be a password.
#[derive(Clone, Deserialize)]
pub(crate) struct Likeness {
    pub(crate) oid: u32,
    pub(crate) name: String,
    pub(crate) owner: String,
    /// Connections are allowed.
    pub(crate) open: bool,
    pub(crate) comment: Option<String>,
    #[serde(flatten)]
    pub(crate) text: Locale,
    tablespace: String,
    connection_limit: i32,
    is_template: bool,
    grants: Vec<Grant>,
    settings: Vec<RoleSettings>,
    labels: Vec<Label>,
}

#[derive(Clone, PartialEq, Eq, Deserialize)]
struct Grant {
    grantor: String,
    /// `None` is PUBLIC.
    grantee: Option<String>,
    privilege: String,
    grantable: bool,
}

#[derive(Clone, PartialEq, Eq, Deserialize)]
struct RoleSettings {
    /// `None` is everybody.
    role: Option<String>,
    values: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Deserialize)]
struct Label {
    provider: String,
    label: String,
}

const PRIVILEGES: &str = "the privileges on the database";
const CONNECTION_LIMIT: &str = "the connection limit";

/// A statement that makes another database more like this one.
#[derive(Clone)]
pub(super) struct Touch {
    /// What it is about, without values: they may be secrets.
    pub(super) what: String,
    pub(super) sql: String,
}

impl Likeness {
    /// Looks a database up by its name; `None` where there is none.
    pub(crate) fn of(connection: &Connection, name: &str) -> Result<Option<Self>, EngineError> {
        // `to_jsonb` has the columns that this server's version has.
        let sql = format!(
            "SELECT pg_catalog.json_build_object('oid', d.oid::pg_catalog.int8, 'name', d.datname, \
             'owner', pg_catalog.pg_get_userbyid(d.datdba), 'open', d.datallowconn, \
             'comment', pg_catalog.shobj_description(d.oid, 'pg_database'), \
             'encoding', pg_catalog.pg_encoding_to_char(d.encoding), \
             'provider', coalesce(pg_catalog.to_jsonb(d)->>'datlocprovider', 'c'), \
             'collate', d.datcollate::pg_catalog.text, 'ctype', d.datctype::pg_catalog.text, \
             'locale', coalesce(pg_catalog.to_jsonb(d)->>'datlocale', pg_catalog.to_jsonb(d)->>'daticulocale'), \
             'rules', pg_catalog.to_jsonb(d)->>'daticurules', 'tablespace', t.spcname, \
             'connection_limit', d.datconnlimit, 'is_template', d.datistemplate, \
             'grants', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object( \
             'grantor', pg_catalog.pg_get_userbyid(a.grantor), \
             'grantee', CASE WHEN a.grantee <> 0 THEN pg_catalog.pg_get_userbyid(a.grantee) END, \
             'privilege', a.privilege_type, 'grantable', a.is_grantable) \
             ORDER BY a.grantor <> d.datdba, NOT a.is_grantable), '[]') \
             FROM pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a), \
             'settings', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object( \
             'role', CASE WHEN s.setrole <> 0 THEN pg_catalog.pg_get_userbyid(s.setrole) END, \
             'values', s.setconfig)), '[]') FROM pg_catalog.pg_db_role_setting s WHERE s.setdatabase = d.oid), \
             'labels', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object( \
             'provider', l.provider, 'label', l.label)), '[]') FROM pg_catalog.pg_shseclabel l \
             WHERE l.objoid = d.oid AND l.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass)) \
             FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace \
             WHERE d.datname = {}",
            quote_literal(name)
        );
        let row = connection.value("looking a database up", &sql)?;
        Ok(row.and_then(|row| serde_json::from_str(&row).ok()))
    }

    /// Makes an empty database like this one. `version` is `server_version_num`.
    pub(super) fn create(&self, name: &str, version: u32) -> String {
        let owner = quote_identifier(&self.owner);
        let mut sql = format!("{} OWNER = {owner}{}", create(name), self.text.clause(version));
        // Naming the default one takes a privilege on it that nobody needs who does not name it (dbcommands.c, `createdb`).
        if self.tablespace != "pg_default" {
            sql += &format!(" TABLESPACE = {}", quote_identifier(&self.tablespace));
        }
        sql
    }

    /// What makes a new database of the same owner like this one; its privileges are replaced. `me` is the role that was
    /// let in meanwhile.
    pub(super) fn touches(&self, name: &str, me: &str) -> Vec<Touch> {
        let database = quote_identifier(name);
        let mut touches = vec![self.privileges(&database, me)];
        for RoleSettings { role, values } in &self.settings {
            for (key, set) in values.iter().filter_map(|value| setting::set(value)) {
                let (what, sql) = match role {
                    None => (format!("the setting {key}"), format!("ALTER DATABASE {database} {set}")),
                    Some(role) => (
                        format!("the setting {key} of role {role}"),
                        format!("ALTER ROLE {} IN DATABASE {database} {set}", quote_identifier(role)),
                    ),
                };
                touches.push(Touch { what, sql });
            }
        }
        for Label { provider, label } in &self.labels {
            touches.push(Touch {
                what: format!("the security label of {provider}"),
                sql: format!(
                    "SECURITY LABEL FOR {} ON DATABASE {database} IS {}",
                    quote_identifier(provider),
                    quote_literal(label)
                ),
            });
        }
        if self.connection_limit >= 0 {
            touches.push(Touch {
                what: CONNECTION_LIMIT.to_owned(),
                sql: format!("ALTER DATABASE {database} CONNECTION LIMIT {}", self.connection_limit),
            });
        }
        if self.is_template {
            touches.push(Touch {
                what: "that it is a template".to_owned(),
                sql: format!("ALTER DATABASE {database} IS_TEMPLATE true"),
            });
        }
        touches
    }

    /// What makes another database, which was made like this one a while ago, like it is now; nothing where it still is.
    pub(super) fn catch_up(&self, other: &Self, me: &str) -> Vec<Touch> {
        let same = |all: &[RoleSettings], others: &[RoleSettings]| {
            all.len() == others.len()
                && all.iter().all(|one| {
                    let sorted = |values: &[String]| values.iter().cloned().collect::<BTreeSet<_>>();
                    let mut others = others.iter().filter(|other| other.role == one.role);
                    others.any(|other| sorted(&other.values) == sorted(&one.values))
                })
        };
        let settings = same(&self.settings, &other.settings);
        let grants = self.grants.len() == other.grants.len()
            && self.grants.iter().all(|grant| other.grants.contains(grant));
        let limit = self.connection_limit == other.connection_limit;
        let labels = self.labels.iter().all(|label| other.labels.contains(label));
        let database = quote_identifier(&other.name);
        let mut touches = Vec::new();
        if !settings {
            let reset = |RoleSettings { role, .. }: &RoleSettings| match role {
                None => format!("ALTER DATABASE {database} RESET ALL"),
                Some(role) => {
                    format!("ALTER ROLE {} IN DATABASE {database} RESET ALL", quote_identifier(role))
                }
            };
            let touch = |one| Touch { what: "a setting that is gone".to_owned(), sql: reset(one) };
            touches.extend(other.settings.iter().map(touch));
        }
        if !limit && self.connection_limit < 0 {
            let sql = format!("ALTER DATABASE {database} CONNECTION LIMIT -1");
            touches.push(Touch { what: CONNECTION_LIMIT.to_owned(), sql });
        }
        let differs = |touch: &Touch| match touch.what.as_str() {
            PRIVILEGES => !grants,
            CONNECTION_LIMIT => !limit,
            what if what.starts_with("the security label") => !labels,
            what if what.starts_with("the setting") => !settings,
            _ => self.is_template != other.is_template,
        };
        touches.extend(self.touches(&other.name, me).into_iter().filter(differs));
        // Whoever lost a privilege on the old one has it on the other yet, and with it what they granted further.
        let grantees = other.grants.iter().filter_map(|grant| grant.grantee.as_deref()).map(quote_identifier);
        let grantees: BTreeSet<_> = grantees.collect();
        if let Some(touch) = touches.iter_mut().find(|touch| touch.what == PRIVILEGES)
            && !grantees.is_empty()
        {
            let grantees = grantees.into_iter().collect::<Vec<_>>().join(", ");
            touch.sql = format!("REVOKE ALL ON DATABASE {database} FROM {grantees} CASCADE; {}", touch.sql);
        }
        touches
    }

    fn privileges(&self, database: &str, me: &str) -> Touch {
        let role = |name: &Option<String>| name.as_deref().map_or("PUBLIC".to_owned(), quote_identifier);
        let (owner, me) = (quote_identifier(&self.owner), quote_identifier(me));
        let mut sql = format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC, {owner}, {me}");
        for grant in &self.grants {
            // What somebody granted who is not the owner stands on that role's own right to grant it.
            let by = grant.grantor != self.owner;
            if by {
                sql += &format!("; SET LOCAL ROLE {}", quote_identifier(&grant.grantor));
            }
            sql += &format!(
                "; GRANT {} ON DATABASE {database} TO {}{}",
                grant.privilege,
                role(&grant.grantee),
                if grant.grantable { " WITH GRANT OPTION" } else { "" }
            );
            if by {
                sql += "; RESET ROLE";
            }
        }
        Touch { what: PRIVILEGES.to_owned(), sql }
    }
}

/// Makes an empty database, like the server's own.
pub(super) fn create(name: &str) -> String {
    format!("CREATE DATABASE {} WITH TEMPLATE = template0", quote_identifier(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness() -> Likeness {
        serde_json::from_value(serde_json::json!({
            "oid": 16384, "name": "shop", "owner": "o\"wner", "open": true, "comment": null, "encoding": "UTF8",
            "provider": "i", "collate": "C", "ctype": "C", "locale": "de-DE", "rules": null,
            "tablespace": "fast", "connection_limit": 7, "is_template": false,
            "grants": [
                { "grantor": "o\"wner", "grantee": null, "privilege": "CONNECT", "grantable": false },
                { "grantor": "lead", "grantee": "app", "privilege": "TEMPORARY", "grantable": true },
            ],
            "settings": [{ "role": null, "values": ["work_mem=64MB"] }, { "role": "app", "values": ["a.b=c"] }],
            "labels": [{ "provider": "dummy", "label": "secret" }],
        }))
        .unwrap()
    }

    #[test]
    fn each_version_has_its_own_words() {
        let likeness = likeness();
        let old = likeness.create("new", 140_000);
        assert_eq!(
            old,
            "CREATE DATABASE \"new\" WITH TEMPLATE = template0 OWNER = \"o\"\"wner\" ENCODING = 'UTF8' \
             LC_COLLATE = 'C' LC_CTYPE = 'C' TABLESPACE = \"fast\""
        );
        assert!(likeness.create("new", 150_000).contains(" LOCALE_PROVIDER = icu ICU_LOCALE = 'de-DE' "));
        let mut builtin = serde_json::to_value(&likeness.text).unwrap();
        (builtin["provider"], builtin["locale"]) = ("b".into(), "C.UTF-8".into());
        let builtin = Likeness { text: serde_json::from_value(builtin).unwrap(), ..likeness };
        assert!(
            builtin.create("new", 170_000).contains(" LOCALE_PROVIDER = builtin BUILTIN_LOCALE = 'C.UTF-8' ")
        );
    }

    #[test]
    fn what_pg_dump_leaves_out_is_made_again() {
        let touches = likeness().touches("n", "me");
        let sql: Vec<_> = touches.iter().map(|touch| touch.sql.as_str()).collect();
        assert_eq!(
            sql,
            [
                "REVOKE ALL ON DATABASE \"n\" FROM PUBLIC, \"o\"\"wner\", \"me\"; \
                 GRANT CONNECT ON DATABASE \"n\" TO PUBLIC; SET LOCAL ROLE \"lead\"; \
                 GRANT TEMPORARY ON DATABASE \"n\" TO \"app\" WITH GRANT OPTION; RESET ROLE",
                "ALTER DATABASE \"n\" SET \"work_mem\" TO '64MB'",
                "ALTER ROLE \"app\" IN DATABASE \"n\" SET \"a\".\"b\" TO 'c'",
                "SECURITY LABEL FOR \"dummy\" ON DATABASE \"n\" IS 'secret'",
                "ALTER DATABASE \"n\" CONNECTION LIMIT 7",
            ]
        );
        assert!(touches.iter().all(|touch| !touch.what.contains("64MB")));
    }

    #[test]
    fn what_was_changed_since_is_caught_up_and_nothing_else() {
        let old = likeness();
        let mut new = Likeness { name: "n".into(), ..likeness() };
        let sql = |old: &Likeness, new: &Likeness| {
            old.catch_up(new, "me").into_iter().map(|touch| touch.sql).collect::<Vec<_>>()
        };
        new.settings.reverse();
        new.grants.reverse();
        assert_eq!(sql(&old, &new), [""; 0]);
        new.connection_limit = 50;
        assert_eq!(sql(&old, &new), ["ALTER DATABASE \"n\" CONNECTION LIMIT 7"]);
        let unlimited = Likeness { connection_limit: -1, ..likeness() };
        assert_eq!(sql(&unlimited, &new), ["ALTER DATABASE \"n\" CONNECTION LIMIT -1"]);
        new.connection_limit = 7;
        new.settings.pop();
        assert_eq!(
            sql(&old, &new),
            [
                "ALTER ROLE \"app\" IN DATABASE \"n\" RESET ALL",
                "ALTER DATABASE \"n\" SET \"work_mem\" TO '64MB'",
                "ALTER ROLE \"app\" IN DATABASE \"n\" SET \"a\".\"b\" TO 'c'",
            ]
        );
        new.settings = likeness().settings;
        new.grants.pop();
        assert!(sql(&old, &new)[0].starts_with("REVOKE ALL ON DATABASE \"n\"") && sql(&old, &new).len() == 1);
    }
}
