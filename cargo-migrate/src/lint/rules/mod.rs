//! Our own rules, one file each with its tests: what squawk does not look at.

mod adding_serial_field;
mod concurrently_alone;
mod delete_without_where;
mod directives;
mod down_leaves_behind;
mod down_without_effect;
mod drop_cascade;
mod history_table;
mod migration_name;
mod missing_if_exists;
mod refresh_without_concurrently;
mod schema_and_data;
mod sequence_gap;
mod set_local_without_transaction;
mod set_without_local;
mod truncate;
mod update_without_where;

use super::rule::Rule;

/// Our own rules.
pub(super) const OURS: &[Rule] = &[
    adding_serial_field::RULE,
    concurrently_alone::RULE,
    delete_without_where::RULE,
    directives::UNUSED_ALLOW,
    directives::UNKNOWN_RULE,
    directives::TWO_PHASE_COMMENT,
    down_leaves_behind::RULE,
    down_without_effect::RULE,
    drop_cascade::RULE,
    history_table::RULE,
    migration_name::RULE,
    missing_if_exists::RULE,
    refresh_without_concurrently::RULE,
    schema_and_data::RULE,
    sequence_gap::RULE,
    set_local_without_transaction::RULE,
    set_without_local::RULE,
    truncate::RULE,
    update_without_where::RULE,
];
