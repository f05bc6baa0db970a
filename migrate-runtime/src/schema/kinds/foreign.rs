//! Foreign data wrappers, servers, user mappings, and what a foreign table says about its server. Secrets among the
//! options are masked.

use super::{Aspect, Kind};

pub(super) const WRAPPER: Kind = Kind {
    name: "wrapper",
    catalog: "pg_foreign_data_wrapper",
    objects: "
        SELECT f.oid, 'foreign data wrapper ' || quote_ident(f.fdwname) AS heading, f.fdwowner, f.fdwacl, f.fdwhandler,
            f.fdwvalidator, f.fdwoptions
        FROM pg_foreign_data_wrapper f
        WHERE f.oid {in} AND NOT {member f.oid}",
    owner: "fdwowner",
    acl: "fdwacl",
    acl_type: "'F'::\"char\"",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT f.heading, 1, v.line
        FROM wrapper f, LATERAL (VALUES
            (CASE WHEN f.fdwhandler <> 0 THEN 'handler ' || f.fdwhandler::regprocedure::text END),
            (CASE WHEN f.fdwvalidator <> 0 THEN 'validator ' || f.fdwvalidator::regprocedure::text END)) AS v (line)
        WHERE v.line IS NOT NULL",
            "
        SELECT f.heading, 1, 'option ' || quote_ident(o.option_name) || ' ' || CASE WHEN {secret} THEN '''***''' ELSE quote_literal(o.option_value) END
        FROM wrapper f, pg_options_to_table(f.fdwoptions) AS o"],
        parts: &[],
    }],
};

pub(super) const SERVER: Kind = Kind {
    name: "server",
    catalog: "pg_foreign_server",
    objects: "
        SELECT s.oid, 'server ' || quote_ident(s.srvname) AS heading, s.srvowner, s.srvacl, s.srvfdw, s.srvtype, s.srvversion, s.srvoptions
        FROM pg_foreign_server s
        WHERE s.oid {in} AND NOT {member s.oid}",
    owner: "srvowner",
    acl: "srvacl",
    acl_type: "'S'::\"char\"",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT s.heading, 1, v.line
        FROM server s JOIN pg_foreign_data_wrapper f ON f.oid = s.srvfdw, LATERAL (VALUES
            ('foreign data wrapper ' || quote_ident(f.fdwname)),
            ('type ' || quote_literal(s.srvtype)),
            ('version ' || quote_literal(s.srvversion))) AS v (line)
        WHERE v.line IS NOT NULL",
            "
        SELECT s.heading, 1, 'option ' || quote_ident(o.option_name) || ' ' || CASE WHEN {secret} THEN '''***''' ELSE quote_literal(o.option_value) END
        FROM server s, pg_options_to_table(s.srvoptions) AS o"],
        parts: &[],
    }],
};

/// Through the view: the catalog itself is closed to everybody, the view shows options to whom they concern.
pub(super) const MAPPING: Kind = Kind {
    name: "mapping",
    catalog: "pg_user_mapping",
    objects: "
        SELECT u.umid AS oid, 'user mapping for ' || CASE u.umuser WHEN 0 THEN 'public' ELSE quote_ident(u.usename) END
            || ' server ' || quote_ident(u.srvname) AS heading, u.umoptions
        FROM pg_user_mappings u
        WHERE u.umid {in} AND NOT {member u.umid}",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT u.heading, 1, 'option ' || quote_ident(o.option_name) || ' ' || CASE WHEN {secret} THEN '''***''' ELSE quote_literal(o.option_value) END
        FROM mapping u, pg_options_to_table(u.umoptions) AS o"],
        parts: &[],
    }],
    ..Kind::NONE
};

/// Of a foreign table.
pub(super) const TABLE: Aspect = Aspect {
    needs: "EXISTS (SELECT FROM pg_foreign_table)",
    facts: &["
        SELECT r.heading, 1, 'server ' || quote_ident(s.srvname)
        FROM relation r JOIN pg_foreign_table f ON f.ftrelid = r.oid JOIN pg_foreign_server s ON s.oid = f.ftserver",
        "
        SELECT r.heading, 1, 'foreign option ' || quote_ident(o.option_name) || ' '
            || CASE WHEN {secret} THEN '''***''' ELSE quote_literal(o.option_value) END
        FROM relation r JOIN pg_foreign_table f ON f.ftrelid = r.oid, pg_options_to_table(f.ftoptions) AS o"],
    parts: &[],
};
