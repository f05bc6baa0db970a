//! Aggregates: the functions that they are made of.

use super::Aspect;

pub(super) const ASPECT: Aspect = Aspect {
    needs: "EXISTS (SELECT FROM pg_proc WHERE oid >= 16384 AND prokind = 'a')",
    facts: &["
        SELECT p.heading, 1, v.line
        FROM routine p JOIN pg_aggregate a ON a.aggfnoid = p.oid JOIN pg_proc f ON f.oid = p.oid,
        LATERAL (VALUES
            ('arguments (' || pg_get_function_arguments(p.oid) || ')'),
            ('returns ' || pg_get_function_result(p.oid)),
            (CASE a.aggkind WHEN 'o' THEN 'ordered set' WHEN 'h' THEN 'hypothetical' END),
            ('state ' || format_type(a.aggtranstype, NULL) || COALESCE(' initially ' || quote_literal(a.agginitval), '')
                || CASE WHEN a.aggtransspace <> 0 THEN ' space ' || a.aggtransspace ELSE '' END),
            ('state function ' || a.aggtransfn::oid::regprocedure::text),
            (CASE WHEN a.aggfinalfn <> 0 THEN 'final function ' || a.aggfinalfn::oid::regprocedure::text
                || CASE WHEN a.aggfinalextra THEN ' extra' ELSE '' END
                || CASE a.aggfinalmodify WHEN 'r' THEN ' read only' WHEN 's' THEN ' shareable' ELSE ' read write' END END),
            (CASE WHEN a.aggcombinefn <> 0 THEN 'combine function ' || a.aggcombinefn::oid::regprocedure::text END),
            (CASE WHEN a.aggserialfn <> 0 THEN 'serial function ' || a.aggserialfn::oid::regprocedure::text END),
            (CASE WHEN a.aggdeserialfn <> 0 THEN 'deserial function ' || a.aggdeserialfn::oid::regprocedure::text END),
            (CASE WHEN a.aggmtransfn <> 0 THEN 'moving state ' || format_type(a.aggmtranstype, NULL)
                || COALESCE(' initially ' || quote_literal(a.aggminitval), '')
                || CASE WHEN a.aggmtransspace <> 0 THEN ' space ' || a.aggmtransspace ELSE '' END END),
            (CASE WHEN a.aggmtransfn <> 0 THEN 'moving state function ' || a.aggmtransfn::oid::regprocedure::text END),
            (CASE WHEN a.aggminvtransfn <> 0 THEN 'moving inverse function ' || a.aggminvtransfn::oid::regprocedure::text END),
            (CASE WHEN a.aggmfinalfn <> 0 THEN 'moving final function ' || a.aggmfinalfn::oid::regprocedure::text
                || CASE WHEN a.aggmfinalextra THEN ' extra' ELSE '' END
                || CASE a.aggmfinalmodify WHEN 'r' THEN ' read only' WHEN 's' THEN ' shareable' ELSE ' read write' END END),
            (CASE WHEN a.aggsortop <> 0 THEN 'sort operator ' || a.aggsortop::regoperator::text END),
            (CASE f.proparallel WHEN 's' THEN 'parallel safe' WHEN 'r' THEN 'parallel restricted' END)
        ) AS v (line)
        WHERE v.line IS NOT NULL"],
    parts: &[],
};
