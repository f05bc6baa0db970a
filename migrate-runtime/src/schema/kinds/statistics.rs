//! Extended statistics.

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "statistic",
    catalog: "pg_statistic_ext",
    objects: "
        SELECT s.oid, n.nspname, s.stxname, 'statistics ' || format('%I.%I', n.nspname, s.stxname) AS heading, s.stxowner, s.stxstattarget
        FROM pg_statistic_ext s JOIN space n ON n.oid = s.stxnamespace
        WHERE s.oid {in} AND s.stxrelid <> ALL (ARRAY(SELECT oid FROM hidden))
            AND NOT {member s.oid}",
    owner: "stxowner",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT s.heading, 1, 'definition ' || btrim(substr(pg_get_statisticsobjdef(s.oid), length(format('CREATE STATISTICS %I.%I', s.nspname, s.stxname)) + 1))
        FROM statistic s",
            "
        SELECT s.heading, 1, 'target ' || s.stxstattarget FROM statistic s WHERE s.stxstattarget >= 0"],
        parts: &[],
    }],
    ..Kind::NONE
};
