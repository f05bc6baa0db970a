//! Rewrite rules, but for the one that makes a view.

use super::Aspect;

pub(super) const ASPECT: Aspect = Aspect {
    needs: "EXISTS (SELECT FROM pg_rewrite WHERE oid >= 16384 AND rulename <> '_RETURN')",
    facts: &["
        SELECT r.heading, 1, 'rule ' || quote_ident(w.rulename)
            || CASE w.ev_enabled WHEN 'D' THEN ' DISABLED' WHEN 'A' THEN ' ENABLED ALWAYS' WHEN 'R' THEN ' ENABLED REPLICA' ELSE '' END
            || substr(pg_get_ruledef(w.oid), length(format('CREATE RULE %I AS', w.rulename)) + 1)
        FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid WHERE r.relhasrules AND w.rulename <> '_RETURN'"],
    parts: &["
        SELECT r.heading, 'pg_rewrite'::regclass, w.oid, 'rule ' || quote_ident(w.rulename)
        FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid WHERE r.relhasrules"],
};
