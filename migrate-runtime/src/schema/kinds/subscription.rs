//! Subscriptions of this database. Only a superuser may see the connection; its password is masked.

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "subscription",
    catalog: "pg_subscription",
    objects: "
        SELECT s.oid, 'subscription ' || quote_ident(s.subname) AS heading, s.subowner
        FROM pg_subscription s
        WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.oid {in}",
    owner: "subowner",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT k.heading, 1, v.line
        FROM subscription k JOIN pg_subscription s ON s.oid = k.oid, LATERAL (VALUES
            ('connection ' || quote_literal({conninfo})),
            ('publications ' || array_to_string(s.subpublications, ', ')),
            ('slot ' || COALESCE(quote_literal(s.subslotname), 'none')),
            (CASE WHEN s.subenabled THEN 'enabled' END),
            ('synchronous commit ' || s.subsynccommit),
            (CASE WHEN s.subbinary THEN 'binary' END),
            ({>=16} CASE s.substream WHEN 't' THEN 'streaming on' WHEN 'p' THEN 'streaming parallel' END
                {else} CASE WHEN s.substream THEN 'streaming on' END {end}),
            ({>=15} CASE WHEN s.subtwophasestate <> 'd' THEN 'two phase' END {else} NULL {end}),
            ({>=15} CASE WHEN s.subdisableonerr THEN 'disable on error' END {else} NULL {end}),
            ({>=16} CASE WHEN NOT s.subpasswordrequired THEN 'no password required' END {else} NULL {end}),
            ({>=16} CASE WHEN s.subrunasowner THEN 'run as owner' END {else} NULL {end}),
            ({>=16} CASE WHEN s.suborigin <> 'any' THEN 'origin ' || s.suborigin END {else} NULL {end}),
            ({>=17} CASE WHEN s.subfailover THEN 'failover' END {else} NULL {end})
        ) AS v (line)
        WHERE v.line IS NOT NULL"],
        parts: &[],
    }],
    ..Kind::NONE
};

/// The connection with what a password could be masked, read as libpq reads it (`conninfo_uri_parse_options`,
/// `conninfo_parse` in fe-connect.c), and where libpq would see no password, as who wrote it may have meant it: in a URI
/// everything from the user to the last `@`, and the values of parameters that are about a password or whose name is
/// encoded; otherwise the value, quoted or with what is escaped in it.
pub(in crate::schema) const CONNINFO: &str = r"CASE WHEN s.subconninfo ~* '^[[:space:]]*postgres(ql)?://' THEN
    regexp_replace(regexp_replace(s.subconninfo, '(://[^:@]*):.*@', E'\\1:***@'),
        '([?&][^=&]*(pass|secret|%)[^=&]*=)[^&]*', E'\\1***', 'gi')
    ELSE regexp_replace(s.subconninfo,
        E'([a-z_]*(pass|secret)[a-z_]*[[:space:]]*=[[:space:]]*)(''([^''\\\\]|\\\\.)*''|(\\\\.|[^[:space:]\\\\])*)', E'\\1***', 'gi')
    END";
