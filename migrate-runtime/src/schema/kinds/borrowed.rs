//! What somebody changed about an object that is not his: privileges on members of extensions and on the server's own
//! objects, policies and security labels on members' tables. Nothing else of theirs is said, as in `pg_dump`
//! (`checkExtensionMembership`, `selectDumpableNamespace` in pg_dump.c).

use super::{Aspect, Kind};

/// What the extension, or `initdb`, granted is in `pg_init_privs`; where it has no entry, the default is.
pub(super) const RELATION: Kind = Kind {
    name: "borrowed_relation",
    catalog: "pg_class",
    objects: "
        SELECT c.oid, CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'f' THEN 'foreign table '
                WHEN 'S' THEN 'sequence ' ELSE 'table ' END || format('%I.%I', n.nspname, c.relname) AS heading,
            c.relowner AS owner, c.relacl AS acl, CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r'::\"char\" END AS letter,
            i.initprivs, c.relrowsecurity, c.relforcerowsecurity
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_init_privs i ON i.classoid = 'pg_class'::regclass AND i.objoid = c.oid AND i.objsubid = 0
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.oid {in}
            AND (n.nspname = 'pg_catalog'
                OR {member c.oid})
            AND (c.relacl IS DISTINCT FROM i.initprivs OR c.relrowsecurity OR c.relforcerowsecurity
                OR EXISTS (SELECT FROM pg_attribute a
                    LEFT JOIN pg_init_privs ai ON ai.classoid = 'pg_class'::regclass AND ai.objoid = a.attrelid AND ai.objsubid = a.attnum
                    WHERE a.attrelid = c.oid AND a.attacl IS DISTINCT FROM ai.initprivs)
                OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)
                OR EXISTS (SELECT FROM pg_seclabel s WHERE s.classoid = 'pg_class'::regclass AND s.objoid = c.oid))",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT r.heading, 1, v.line
        FROM borrowed_relation r, LATERAL (VALUES
            (CASE WHEN r.relrowsecurity THEN 'row level security' END),
            (CASE WHEN r.relforcerowsecurity THEN 'row level security forced' END)) AS v (line)
        WHERE v.line IS NOT NULL"],
        parts: &[],
    }, &super::policy::ASPECT],
    ..Kind::NONE
};

/// Privileges on their columns that were not granted with them, and those that were and are gone.
pub(super) const COLUMN_GRANTS: &str = "
        SELECT r.heading, 1, 'grant ' || lower(x.privilege_type) || ' (' || quote_ident(a.attname) || ') to '
            || CASE x.grantee WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(x.grantee)) END
            || CASE WHEN x.is_grantable THEN ' with grant option' ELSE '' END
            || CASE WHEN x.grantor <> r.owner THEN ' granted by ' || quote_ident(pg_get_userbyid(x.grantor)) ELSE '' END
            || CASE WHEN x.there THEN '' ELSE ' (revoked)' END
        FROM borrowed_relation r JOIN pg_attribute a ON a.attrelid = r.oid
        LEFT JOIN pg_init_privs i ON i.classoid = 'pg_class'::regclass AND i.objoid = a.attrelid AND i.objsubid = a.attnum,
        LATERAL (
            SELECT true AS there, n.* FROM (SELECT * FROM aclexplode(a.attacl) EXCEPT SELECT * FROM aclexplode(i.initprivs)) AS n
            UNION ALL
            SELECT false, n.* FROM (SELECT * FROM aclexplode(i.initprivs) EXCEPT SELECT * FROM aclexplode(a.attacl)) AS n
        ) AS x
        WHERE a.attacl IS DISTINCT FROM i.initprivs";

pub(super) const ROUTINE: Kind = Kind {
    name: "borrowed_routine",
    catalog: "pg_proc",
    objects: "
        SELECT p.oid, CASE p.prokind WHEN 'p' THEN 'procedure ' WHEN 'a' THEN 'aggregate ' ELSE 'function ' END
                || format('%I.%I(%s)', n.nspname, p.proname, CASE WHEN p.prokind = 'a' AND p.pronargs = 0 THEN '*' ELSE oidvectortypes(p.proargtypes) END) AS heading,
            p.proowner AS owner, p.proacl AS acl, 'f'::\"char\" AS letter, i.initprivs
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        LEFT JOIN pg_init_privs i ON i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid AND i.objsubid = 0
        WHERE p.oid {in} AND p.proacl IS DISTINCT FROM i.initprivs
            AND (n.nspname = 'pg_catalog'
                OR {member p.oid})",
    ..Kind::NONE
};

pub(super) const TYPE: Kind = Kind {
    name: "borrowed_type",
    catalog: "pg_type",
    objects: "
        SELECT t.oid, CASE t.typtype WHEN 'd' THEN 'domain ' ELSE 'type ' END || format('%I.%I', n.nspname, t.typname) AS heading,
            t.typowner AS owner, t.typacl AS acl, 'T'::\"char\" AS letter, i.initprivs
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        LEFT JOIN pg_init_privs i ON i.classoid = 'pg_type'::regclass AND i.objoid = t.oid AND i.objsubid = 0
        WHERE t.oid {in} AND t.typacl IS DISTINCT FROM i.initprivs
            AND (n.nspname = 'pg_catalog'
                OR {member t.oid})",
    ..Kind::NONE
};

pub(super) const SCHEMA: Kind = Kind {
    name: "borrowed_schema",
    catalog: "pg_namespace",
    objects: "
        SELECT n.oid, 'schema ' || quote_ident(n.nspname) AS heading, n.nspowner AS owner, n.nspacl AS acl, 'n'::\"char\" AS letter, i.initprivs
        FROM pg_namespace n
        LEFT JOIN pg_init_privs i ON i.classoid = 'pg_namespace'::regclass AND i.objoid = n.oid AND i.objsubid = 0
        WHERE n.oid {in} AND n.nspacl IS DISTINCT FROM i.initprivs
            AND (n.nspname = 'pg_catalog'
                OR {member n.oid})",
    ..Kind::NONE
};

pub(super) const LANGUAGE: Kind = Kind {
    name: "borrowed_language",
    catalog: "pg_language",
    objects: "
        SELECT l.oid, 'language ' || quote_ident(l.lanname) AS heading, l.lanowner AS owner, l.lanacl AS acl, 'l'::\"char\" AS letter, i.initprivs
        FROM pg_language l
        LEFT JOIN pg_init_privs i ON i.classoid = 'pg_language'::regclass AND i.objoid = l.oid AND i.objsubid = 0
        WHERE l.oid {in} AND l.lanacl IS DISTINCT FROM i.initprivs
            AND (l.oid < 16384 OR {member l.oid})",
    ..Kind::NONE
};

pub(super) const WRAPPER: Kind = Kind {
    name: "borrowed_wrapper",
    catalog: "pg_foreign_data_wrapper",
    objects: "
        SELECT f.oid, 'foreign data wrapper ' || quote_ident(f.fdwname) AS heading, f.fdwowner AS owner, f.fdwacl AS acl, 'F'::\"char\" AS letter, i.initprivs
        FROM pg_foreign_data_wrapper f
        LEFT JOIN pg_init_privs i ON i.classoid = 'pg_foreign_data_wrapper'::regclass AND i.objoid = f.oid AND i.objsubid = 0
        WHERE f.oid {in} AND f.fdwacl IS DISTINCT FROM i.initprivs
            AND {member f.oid}",
    ..Kind::NONE
};
