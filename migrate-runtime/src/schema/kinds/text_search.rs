//! Text search: parsers, templates, dictionaries and configurations.

use super::{Aspect, Kind};

pub(super) const PARSER: Kind = Kind {
    name: "parser",
    catalog: "pg_ts_parser",
    objects: "
        SELECT o.oid, 'text search parser ' || format('%I.%I', n.nspname, o.prsname) AS heading
        FROM pg_ts_parser o JOIN space n ON n.oid = o.prsnamespace
        WHERE o.oid {in} AND NOT {member o.oid}",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT k.heading, 1, v.line
        FROM parser k JOIN pg_ts_parser p ON p.oid = k.oid,
        LATERAL (VALUES ('start ' || p.prsstart::oid::regprocedure::text), ('token ' || p.prstoken::oid::regprocedure::text),
            ('end ' || p.prsend::oid::regprocedure::text), ('types ' || p.prslextype::oid::regprocedure::text),
            (CASE WHEN p.prsheadline <> 0 THEN 'headline ' || p.prsheadline::oid::regprocedure::text END)) AS v (line)
        WHERE v.line IS NOT NULL"],
        parts: &[],
    }],
    ..Kind::NONE
};

pub(super) const TEMPLATE: Kind = Kind {
    name: "template",
    catalog: "pg_ts_template",
    objects: "
        SELECT o.oid, 'text search template ' || format('%I.%I', n.nspname, o.tmplname) AS heading
        FROM pg_ts_template o JOIN space n ON n.oid = o.tmplnamespace
        WHERE o.oid {in} AND NOT {member o.oid}",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT k.heading, 1, v.line
        FROM template k JOIN pg_ts_template p ON p.oid = k.oid,
        LATERAL (VALUES (CASE WHEN p.tmplinit <> 0 THEN 'init ' || p.tmplinit::oid::regprocedure::text END),
            ('lexize ' || p.tmpllexize::oid::regprocedure::text)) AS v (line)
        WHERE v.line IS NOT NULL"],
        parts: &[],
    }],
    ..Kind::NONE
};

pub(super) const DICTIONARY: Kind = Kind {
    name: "dictionary",
    catalog: "pg_ts_dict",
    objects: "
        SELECT o.oid, 'text search dictionary ' || format('%I.%I', n.nspname, o.dictname) AS heading, o.dictowner
        FROM pg_ts_dict o JOIN space n ON n.oid = o.dictnamespace
        WHERE o.oid {in} AND NOT {member o.oid}",
    owner: "dictowner",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT k.heading, 1, 'template ' || format('%I.%I', n.nspname, t.tmplname) || COALESCE(' (' || p.dictinitoption || ')', '')
        FROM dictionary k JOIN pg_ts_dict p ON p.oid = k.oid JOIN pg_ts_template t ON t.oid = p.dicttemplate
        JOIN pg_namespace n ON n.oid = t.tmplnamespace"],
        parts: &[],
    }],
    ..Kind::NONE
};

pub(super) const CONFIGURATION: Kind = Kind {
    name: "configuration",
    catalog: "pg_ts_config",
    objects: "
        SELECT o.oid, 'text search configuration ' || format('%I.%I', n.nspname, o.cfgname) AS heading, o.cfgowner, o.cfgparser
        FROM pg_ts_config o JOIN space n ON n.oid = o.cfgnamespace
        WHERE o.oid {in} AND NOT {member o.oid}",
    owner: "cfgowner",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT k.heading, 1, 'parser ' || format('%I.%I', n.nspname, p.prsname)
        FROM configuration k JOIN pg_ts_parser p ON p.oid = k.cfgparser JOIN pg_namespace n ON n.oid = p.prsnamespace",
            "
        SELECT k.heading, 1, 'mapping for ' || (SELECT t.alias FROM ts_token_type(k.cfgparser) AS t WHERE t.tokid = m.maptokentype)
            || ' with ' || string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno)
        FROM configuration k JOIN pg_ts_config_map m ON m.mapcfg = k.oid GROUP BY k.heading, k.cfgparser, m.maptokentype"],
        parts: &[],
    }],
    ..Kind::NONE
};
