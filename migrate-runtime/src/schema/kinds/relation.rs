//! Tables, partitioned tables, views, materialised views, foreign tables and sequences: what they all have.

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "relation",
    catalog: "pg_class",
    objects: "
        SELECT c.oid, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname) AS name, c.relkind,
            CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'f' THEN 'foreign table '
                WHEN 'S' THEN 'sequence ' ELSE 'table ' END || format('%I.%I', n.nspname, c.relname) AS heading,
            c.relowner, c.relacl, c.relpersistence, c.relam, c.reltablespace, c.reloptions, c.reltoastrelid,
            c.reloftype, c.relreplident, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
            CASE WHEN c.relispartition THEN c.relpartbound END AS relpartbound, c.relhasrules, c.relhastriggers
        FROM pg_class c JOIN space n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.oid {in}
            AND NOT {member c.oid}
            AND c.oid <> ALL (ARRAY(SELECT oid FROM hidden))",
    owner: "relowner",
    acl: "relacl",
    acl_type: "CASE relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r'::\"char\" END",
    aspects: &[
        &DEFINITION,
        &super::column::ASPECT,
        &super::constraint::TABLE,
        &super::index::ASPECT,
        &super::trigger::ASPECT,
        &super::rule::ASPECT,
        &super::policy::ASPECT,
        &super::sequence::ASPECT,
        &super::foreign::TABLE,
    ],
};

const DEFINITION: Aspect = Aspect {
    needs: "",
    facts: &[
        "
        SELECT r.heading, 1, v.line
        FROM relation r, LATERAL (VALUES
            (CASE WHEN r.relpersistence = 'u' AND r.relkind <> 'S' THEN 'unlogged' END),
            (CASE WHEN r.relkind IN ('v', 'm') THEN 'definition' || E'\\n' || pg_get_viewdef(r.oid) END),
            (CASE WHEN r.relkind = 'p' THEN 'partition by ' || pg_get_partkeydef(r.oid) END),
            (CASE WHEN r.reloftype <> 0 THEN 'of ' || format_type(r.reloftype, NULL) END),
            (CASE WHEN r.relkind IN ('r', 'p', 'm') THEN
                CASE r.relreplident WHEN 'f' THEN 'replica identity full' WHEN 'n' THEN 'replica identity nothing' END END),
            (CASE WHEN r.relrowsecurity THEN 'row level security' END),
            (CASE WHEN r.relforcerowsecurity THEN 'row level security forced' END)
        ) AS v (line)
        WHERE r.relkind <> 'S' AND v.line IS NOT NULL",
        // The default is what pg_dump takes for granted; a partitioned table has one only where it was written down.
        "
        SELECT r.heading, 1, 'access method ' || quote_ident(a.amname)
        FROM relation r JOIN pg_am a ON a.oid = r.relam
        WHERE r.relkind = 'p' OR r.relkind IN ('r', 'm') AND a.amname <> 'heap'",
        "
        SELECT r.heading, 1, 'tablespace ' || quote_ident(s.spcname)
        FROM relation r JOIN pg_tablespace s ON s.oid = r.reltablespace",
        "
        SELECT r.heading, 1, 'option ' || o FROM relation r, unnest(r.reloptions) AS o
        UNION ALL
        SELECT r.heading, 1, 'option toast.' || o
        FROM relation r JOIN pg_class c ON c.oid = r.reltoastrelid, unnest(c.reloptions) AS o
        WHERE r.reltoastrelid <> 0",
        "
        SELECT r.heading, 1, CASE WHEN r.relispartition THEN 'partition of ' ELSE 'inherits ' END || i.parents
            || COALESCE(' ' || pg_get_expr(r.relpartbound, r.oid), '') || CASE WHEN i.pending THEN ' (detach pending)' ELSE '' END
        FROM relation r, LATERAL (
            SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) AS parents, bool_or(i.inhdetachpending) AS pending
            FROM pg_inherits i WHERE i.inhrelid = r.oid
        ) AS i
        WHERE i.parents IS NOT NULL",
        "
        SELECT r.heading, 1, 'depends on extension ' || quote_ident(e.extname)
        FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
            AND d.deptype = 'x' AND d.classid = 'pg_class'::regclass
        JOIN relation r ON r.oid = d.objid",
    ],
    parts: &[],
};
