//! Triggers and whether they fire.

use super::Aspect;

/// A partition's copy of its parent's trigger is the parent's, unless it fires at other times: which copies count as
/// internal changed in version 15.
pub(super) const ASPECT: Aspect = Aspect {
    needs: "EXISTS (SELECT FROM pg_trigger WHERE oid >= 16384 AND (NOT tgisinternal OR tgparentid <> 0))",
    facts: &["
        SELECT r.heading, 1, 'trigger ' || quote_ident(t.tgname)
            || CASE t.tgenabled WHEN 'D' THEN ' DISABLED ' WHEN 'A' THEN ' ENABLED ALWAYS ' WHEN 'R' THEN ' ENABLED REPLICA '
                ELSE CASE WHEN t.tgparentid = 0 THEN ' ' ELSE ' ENABLED ' END END
            || CASE WHEN t.tgparentid <> 0 THEN '(of the parent)' ELSE
                CASE WHEN t.tgconstraint <> 0 THEN 'CONSTRAINT ' ELSE '' END
                || substr(pg_get_triggerdef(t.oid), length(format('CREATE %sTRIGGER %I ',
                    CASE WHEN t.tgconstraint <> 0 THEN 'CONSTRAINT ' ELSE '' END, t.tgname)) + 1) END
        FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid LEFT JOIN pg_trigger u ON u.oid = t.tgparentid
        WHERE r.relhastriggers AND (t.tgparentid = 0 AND NOT t.tgisinternal OR t.tgenabled <> u.tgenabled)",
        "
        SELECT r.heading, 1, 'depends on extension ' || quote_ident(e.extname) || ': trigger ' || quote_ident(t.tgname)
        FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
            AND d.deptype = 'x' AND d.classid = 'pg_trigger'::regclass
        JOIN pg_trigger t ON t.oid = d.objid JOIN relation r ON r.oid = t.tgrelid"],
    parts: &["
        SELECT r.heading, 'pg_trigger'::regclass, t.oid, 'trigger ' || quote_ident(t.tgname)
        FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE r.relhastriggers"],
};
