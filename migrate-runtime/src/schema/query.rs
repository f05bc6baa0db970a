//! The one query that makes the text of a schema.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::SchemaOptions;
use super::dialect::Dialect;
use super::kinds::{BORROWED, CONNINFO, DEFAULT_PRIVILEGES, GRANTS, KINDS, Kind};
use super::prepared::Query;
use super::presence::{self, Presence};
use crate::history_table::quote_literal;

/// Which objects are asked for.
pub(super) enum Scope {
    /// All.
    Everything,
    /// Of each catalog all or the ones with these oids; a catalog that is not named has none.
    Only(HashMap<String, Option<Vec<u32>>>),
}

/// What an option's name says that its value is not for everybody.
const SECRET: &str = "o.option_name ~* 'pass|secret|token|credential|private|access_?key|api_?key'";

/// A query of catalog, oid and text, one row an object.
pub(super) fn blocks(dialect: Dialect, presence: &Presence, options: &SchemaOptions, scope: &Scope) -> Query {
    let mut query = with(dialect, presence, options, scope);
    query.sql +=
        "\nSELECT o.classid::text, o.oid::bigint, b.text FROM block b JOIN object o ON o.heading = b.heading";
    query
}

/// Whether there is anything at all that a scope asks for.
pub(super) fn asks_for_something(presence: &Presence, catalogs: &HashMap<String, Option<Vec<u32>>>) -> bool {
    KINDS.iter().chain(BORROWED).chain([&DEFAULT_PRIVILEGES]).any(|kind| {
        presence.has_kind(kind)
            && catalogs
                .get(kind.catalog)
                .is_some_and(|oids| oids.as_ref().is_none_or(|oids| !oids.is_empty()))
    })
}

/// A query of the SHA-256 of the whole text, in hex. Sorted by bytes of UTF-8, whatever the database's encoding is.
pub(super) fn digest(dialect: Dialect, presence: &Presence, options: &SchemaOptions) -> String {
    let mut sql = with(dialect, presence, options, &Scope::Everything).inline();
    sql += "\nSELECT encode(sha256(convert_to(COALESCE(string_agg(text, E'\\n' \
            ORDER BY convert_to(heading, 'UTF8')), ''), 'UTF8')), 'hex') FROM block";
    sql
}

/// Everything up to `block (heading, text)`.
fn with(dialect: Dialect, presence: &Presence, options: &SchemaOptions, scope: &Scope) -> Query {
    let mut parameters = Vec::new();
    let mut ctes = vec![
        "space AS MATERIALIZED (SELECT oid, nspname, nspowner, nspacl FROM pg_namespace \
         WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')"
            .to_owned(),
        "member AS MATERIALIZED (SELECT classid, objid FROM pg_depend \
         WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e')"
            .to_owned(),
        format!("hidden AS ({})", hidden(options)),
    ];
    let mut objects = Vec::new();
    let mut borrowed = Vec::new();
    let mut facts = vec!["SELECT heading, 0, NULL::text FROM object WHERE whole".to_owned()];
    let mut parts = Vec::new();
    // Without grants there is nothing to say about these.
    let privileges = options.grants.then_some(&DEFAULT_PRIVILEGES);
    for (kind, whole) in
        KINDS.iter().map(|k| (k, true)).chain(BORROWED.iter().chain(privileges).map(|k| (k, false)))
    {
        let Some(filter) = Some(kind)
            .filter(|_| presence.has_kind(kind))
            .and_then(|_| filter(kind.catalog, scope, &mut parameters))
        else {
            continue;
        };
        let name = kind.name;
        ctes.push(format!("{name} AS MATERIALIZED ({})", members(kind).replace("{in}", &filter)));
        let or_null = |sql: &'static str, null: &'static str| if sql.is_empty() { null } else { sql };
        objects.push(format!(
            "SELECT '{}'::regclass, oid, heading, {whole}, {}, {}, {} FROM {name}",
            kind.catalog,
            or_null(kind.owner, "NULL::oid"),
            or_null(kind.acl, "NULL::aclitem[]"),
            or_null(kind.acl_type, "NULL::\"char\""),
        ));
        let of_this = |sql: &&str| sql.replace("FROM relation r", &format!("FROM {name} r"));
        for aspect in kind.aspects.iter().filter(|aspect| presence.has(aspect.needs)) {
            facts.extend(aspect.facts.iter().map(of_this));
            if whole {
                parts.extend(aspect.parts.iter().map(of_this));
            }
        }
        facts.extend(
            GRANTS.iter().filter(|(of, _)| options.grants && *of == name).map(|(_, sql)| (*sql).to_owned()),
        );
        if BORROWED.iter().any(|borrowed| borrowed.name == name) {
            borrowed.push(format!("SELECT heading, owner, acl, letter, initprivs FROM {name}"));
        }
    }
    if objects.is_empty() {
        objects.push(
            "SELECT 0::regclass, 0::oid, ''::text, true, 0::oid, NULL::aclitem[], NULL::\"char\" WHERE false"
                .into(),
        );
    }
    if parts.is_empty() {
        parts.push("SELECT ''::text, 0::regclass, 0::oid, ''::text WHERE false".into());
    }
    ctes.push(format!(
        "object (classid, oid, heading, whole, owner, acl, acl_type) AS MATERIALIZED ({})",
        objects.join(" UNION ALL ")
    ));
    ctes.push(format!("part (heading, classid, oid, name) AS ({})", parts.join(" UNION ALL ")));
    facts.push(COMMENT.to_owned());
    if presence.has(presence::COMMENTS) {
        facts.push(COMMENT_ON_PART.to_owned());
    }
    if presence.has(presence::LABELS) {
        facts.push(LABEL.to_owned());
    }
    if options.owners {
        facts.push(OWNER.to_owned());
    }
    if options.grants {
        facts.push(format!("SELECT {ACL} {}", ACL_OF_OBJECT));
        if !borrowed.is_empty() {
            ctes.push(format!("borrowed AS ({})", borrowed.join(" UNION ALL ")));
            facts.push(format!("SELECT {ACL} {}", ACL_OF_BORROWED));
        }
    }
    ctes.push(format!("fact (heading, place, line) AS ({})", facts.join("\nUNION ALL ")));
    ctes.push(BLOCK.to_owned());
    let mut sql = String::from("WITH ");
    let _ = write!(sql, "{}", ctes.join(",\n"));
    let sql = dialect.expand(&sql);
    let conninfo = if dialect.reads_connections { CONNINFO } else { "NULL::text" };
    let sql = sql.replace("{secret}", SECRET).replace("{conninfo}", conninfo);
    Query { sql, parameters: parameters.into_iter().map(|(_, value)| ("oid[]", value)).collect() }
}

/// The server comments the schema that every database begins with; `pg_dump` says where that was taken away.
const COMMENT: &str = "
    SELECT o.heading, 1, 'comment ' || quote_literal(d.description)
    FROM object o JOIN pg_description d ON d.classoid = o.classid AND d.objoid = o.oid AND d.objsubid = 0
    WHERE o.whole AND NOT (o.heading = 'schema public' AND d.description = 'standard public schema')
    UNION ALL
    SELECT o.heading, 1, 'comment ''''' FROM object o
    WHERE o.whole AND o.heading = 'schema public' AND obj_description(o.oid, 'pg_namespace') IS NULL";

const COMMENT_ON_PART: &str = "
    SELECT p.heading, 1, 'comment on ' || p.name || ' ' || quote_literal(d.description)
    FROM pg_description d JOIN part p ON p.classid = d.classoid AND p.oid = d.objoid
    WHERE d.objsubid = 0 AND d.objoid >= 16384";

const LABEL: &str = "
    SELECT o.heading, 1, 'security label ' || quote_ident(s.provider) || ' ' || quote_literal(s.label)
    FROM pg_seclabel s JOIN object o ON s.classoid = o.classid AND s.objoid = o.oid WHERE s.objsubid = 0";

const OWNER: &str = "
    SELECT heading, 1, 'owner ' || quote_ident(pg_get_userbyid(owner)) FROM object WHERE owner IS NOT NULL";

/// A privilege that is there, or is not there any more.
const ACL: &str = "o.heading, 1, 'grant ' || lower(x.privilege_type) || ' to '
        || CASE x.grantee WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(x.grantee)) END
        || CASE WHEN x.is_grantable THEN ' with grant option' ELSE '' END
        || CASE WHEN x.grantor <> o.owner THEN ' granted by ' || quote_ident(pg_get_userbyid(x.grantor)) ELSE '' END
        || CASE WHEN x.there THEN '' ELSE ' (revoked)' END";

/// Privileges that are not the default ones, and default ones that somebody took away.
const ACL_OF_OBJECT: &str = "
    FROM object o, LATERAL (
        SELECT true AS there, n.* FROM (
            SELECT * FROM aclexplode(o.acl) EXCEPT SELECT * FROM aclexplode(acldefault(o.acl_type, o.owner))) AS n
        UNION ALL
        SELECT false, n.* FROM (
            SELECT * FROM aclexplode(acldefault(o.acl_type, o.owner)) EXCEPT SELECT * FROM aclexplode(o.acl)) AS n
    ) AS x
    WHERE o.acl IS NOT NULL";

/// The same against what the extension or `initdb` granted.
const ACL_OF_BORROWED: &str = "
    FROM (SELECT heading, owner, COALESCE(acl, acldefault(letter, owner)) AS acl,
            COALESCE(initprivs, acldefault(letter, owner)) AS base FROM borrowed) AS o,
    LATERAL (
        SELECT true AS there, n.* FROM (SELECT * FROM aclexplode(o.acl) EXCEPT SELECT * FROM aclexplode(o.base)) AS n
        UNION ALL
        SELECT false, n.* FROM (SELECT * FROM aclexplode(o.base) EXCEPT SELECT * FROM aclexplode(o.acl)) AS n
    ) AS x";

/// A name may have a line break in it, which would end the heading.
const BLOCK: &str = "block (heading, text) AS (
    SELECT heading, replace(heading, E'\\n', E'\\\\000a') || E'\\n' || COALESCE(string_agg(
        '    ' || replace(line, E'\\n', E'\\n    |') || E'\\n', '' ORDER BY place, convert_to(line, 'UTF8')), '')
    FROM (SELECT heading COLLATE \"C\" AS heading, place, line FROM fact) AS f GROUP BY heading)";

/// The objects of a kind, with `{member o.oid}` written out.
fn members(kind: &Kind) -> String {
    let mut parts = kind.objects.split("{member ");
    let mut sql = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (oid, rest) = part.split_once('}').unwrap_or((part, ""));
        let _ = write!(
            sql,
            "EXISTS (SELECT FROM member m WHERE m.classid = '{}'::regclass AND m.objid = {oid}){rest}",
            kind.catalog
        );
    }
    sql
}

/// Which oids of a catalog are asked for, as a condition; `None` where none is. A list of them is a parameter, one for
/// each catalog.
fn filter<'a>(catalog: &'a str, scope: &Scope, parameters: &mut Vec<(&'a str, String)>) -> Option<String> {
    let oids = match scope {
        Scope::Everything => return Some("IS NOT NULL".to_owned()),
        Scope::Only(catalogs) => match catalogs.get(catalog)? {
            None => return Some("IS NOT NULL".to_owned()),
            Some(oids) if oids.is_empty() => return None,
            Some(oids) => oids,
        },
    };
    let number = parameters.iter().position(|(of, _)| *of == catalog).unwrap_or_else(|| {
        let oids: Vec<_> = oids.iter().map(u32::to_string).collect();
        parameters.push((catalog, format!("'{{{}}}'", oids.join(","))));
        parameters.len() - 1
    });
    Some(format!("= ANY (${})", number + 1))
}

/// The oids of our own tables and of the sequences that belong to them.
fn hidden(options: &SchemaOptions) -> String {
    let Some(history) = &options.history else { return "SELECT 0::oid AS oid WHERE false".to_owned() };
    let ours = format!(
        "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = {} AND c.relname IN ({}, {}) AND c.relkind IN ('r', 'p')",
        quote_literal(&history.schema),
        quote_literal(&history.name),
        quote_literal(&history.log_name())
    );
    format!(
        "{ours} UNION ALL SELECT d.objid FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' \
         WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass \
         AND d.deptype IN ('a', 'i') AND d.refobjid IN ({ours})"
    )
}
