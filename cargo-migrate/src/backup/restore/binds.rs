//! What on a server is tied to a database in a way that a swap would tear.

use migrate_runtime::quote_identifier;

use super::refusal::drop_slot;
use super::{Likeness, Place, Refusal};

/// Refuses where something is tied to the old database, and where the sessions of it or of the new one could not be ended.
pub(crate) fn check(place: &Place, old: &Likeness, new: Option<u32>) -> anyhow::Result<()> {
    let Likeness { oid, name, .. } = old;
    let (mut what, mut ways) = (Vec::new(), Vec::new());
    let sql = format!(
        "SELECT p.gid, p.owner, p.prepared FROM pg_catalog.pg_prepared_xacts p JOIN pg_catalog.pg_database d \
         ON d.datname = p.database WHERE d.oid = {oid} ORDER BY p.prepared"
    );
    for row in place.admin.rows("looking for prepared transactions", &sql)? {
        let gid = row.text(0);
        what.push(format!("the transaction {gid} of {} is prepared since {}", row.text(1), row.text(2)));
        let gid = migrate_runtime::quote_literal(&gid);
        ways.push(format!("in {name}: COMMIT PREPARED {gid}; or ROLLBACK PREPARED {gid};"));
    }
    let sql = format!(
        "SELECT s.slot_name, s.active_pid FROM pg_catalog.pg_replication_slots s JOIN pg_catalog.pg_database d \
         ON d.datname = s.database WHERE d.oid = {oid} ORDER BY s.slot_name"
    );
    for row in place.admin.rows("looking for replication slots", &sql)? {
        let slot = row.text(0);
        what.push(format!("the replication slot {slot} reads from it"));
        ways.push(drop_slot(&slot));
    }
    // Who has not all columns of it may still read these.
    let sql = format!(
        "SELECT subname FROM pg_catalog.pg_subscription WHERE subdbid = {oid} AND subenabled ORDER BY subname"
    );
    for row in place.admin.rows("looking for subscriptions", &sql)? {
        let subscription = row.text(0);
        what.push(format!("the subscription {subscription} writes into it"));
        ways.push(format!("in {name}: ALTER SUBSCRIPTION {} DISABLE;", quote_identifier(&subscription)));
    }
    if !what.is_empty() {
        return Err(Refusal::Bound { database: name.clone(), what, ways }.stop());
    }
    let oids =
        [Some(*oid), new].into_iter().flatten().map(|oid| oid.to_string()).collect::<Vec<_>>().join(", ");
    // As pg_signal_backend() has it (signalfuncs.c).
    let rows = place.admin.rows(
        "asking which sessions could be ended",
        &format!(
            "SELECT r.rolsuper, a.pid, a.usename FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid \
             JOIN pg_catalog.pg_roles me ON me.rolname = current_user WHERE a.datid IN ({oids}) AND NOT me.rolsuper \
             AND (r.rolsuper OR NOT pg_catalog.pg_has_role(r.oid, 'USAGE') \
             AND NOT pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'))"
        ),
    )?;
    if !rows.is_empty() {
        return Err(Refusal::MayNotEnd {
            database: name.clone(),
            role: place.role.clone(),
            sessions: rows.iter().map(|row| format!("pid {} of {}", row.text(1), row.text(2))).collect(),
            superuser: rows.iter().any(|row| row.flag(0)),
        }
        .stop());
    }
    Ok(())
}
