//! Operator classes and families.

use super::{Aspect, Kind};

pub(super) const CLASS: Kind = Kind {
    name: "operator_class",
    catalog: "pg_opclass",
    objects: "
        SELECT o.oid, 'operator class ' || format('%I.%I using %I', n.nspname, o.opcname, a.amname) AS heading, o.opcowner
        FROM pg_opclass o JOIN space n ON n.oid = o.opcnamespace JOIN pg_am a ON a.oid = o.opcmethod
        WHERE o.oid {in} AND NOT {member o.oid}",
    owner: "opcowner",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT c.heading, 1, CASE WHEN o.opcdefault THEN 'default ' ELSE '' END || 'for ' || format_type(o.opcintype, NULL)
            || ' family ' || format('%I.%I', n.nspname, f.opfname)
            || CASE WHEN o.opckeytype <> 0 THEN ' storage ' || format_type(o.opckeytype, NULL) ELSE '' END
        FROM operator_class c JOIN pg_opclass o ON o.oid = c.oid JOIN pg_opfamily f ON f.oid = o.opcfamily
        JOIN pg_namespace n ON n.oid = f.opfnamespace",
            "
        SELECT c.heading, 1, CASE WHEN m.oid IS NULL
            THEN 'function ' || p.amprocnum || ' (' || format_type(p.amproclefttype, NULL) || ', ' || format_type(p.amprocrighttype, NULL)
                || ') ' || p.amproc::oid::regprocedure::text
            ELSE 'operator ' || m.amopstrategy || ' ' || m.amopopr::regoperator::text END
        FROM operator_class c JOIN pg_depend d ON d.refclassid = 'pg_opclass'::regclass AND d.refobjid = c.oid AND d.deptype = 'i'
        LEFT JOIN pg_amop m ON d.classid = 'pg_amop'::regclass AND m.oid = d.objid
        LEFT JOIN pg_amproc p ON d.classid = 'pg_amproc'::regclass AND p.oid = d.objid
        WHERE m.oid IS NOT NULL OR p.oid IS NOT NULL"],
        parts: &[],
    }],
    ..Kind::NONE
};

pub(super) const FAMILY: Kind = Kind {
    name: "operator_family",
    catalog: "pg_opfamily",
    objects: "
        SELECT o.oid, 'operator family ' || format('%I.%I using %I', n.nspname, o.opfname, a.amname) AS heading, o.opfowner
        FROM pg_opfamily o JOIN space n ON n.oid = o.opfnamespace JOIN pg_am a ON a.oid = o.opfmethod
        WHERE o.oid {in} AND NOT {member o.oid}",
    owner: "opfowner",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT f.heading, 1, 'operator ' || m.amopstrategy || ' ' || m.amopopr::regoperator::text
            || CASE WHEN m.amopsortfamily = 0 THEN '' ELSE ' for order by ' || (SELECT format('%I.%I', n.nspname, s.opfname)
                FROM pg_opfamily s JOIN pg_namespace n ON n.oid = s.opfnamespace WHERE s.oid = m.amopsortfamily) END
        FROM operator_family f JOIN pg_amop m ON m.amopfamily = f.oid",
            "
        SELECT f.heading, 1, 'function ' || p.amprocnum || ' (' || format_type(p.amproclefttype, NULL) || ', '
            || format_type(p.amprocrighttype, NULL) || ') ' || p.amproc::oid::regprocedure::text
        FROM operator_family f JOIN pg_amproc p ON p.amprocfamily = f.oid"],
        parts: &[],
    }],
    ..Kind::NONE
};
