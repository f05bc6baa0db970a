//! The one test binary of the workspace's integration tests: one to link, and one server for all of them.

// A test panics where something is not as it must be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

mod adoption;
mod backup_create;
mod backup_names;
mod backup_servers;
mod backup_shared;
mod backup_verify;
mod behind_a_pooler;
mod black_hole;
mod check_outputs;
mod checks_cli;
mod checks_every_major;
mod checks_in_a_run;
mod checks_standing;
mod cli_passwords;
mod cli_refusals;
mod cli_secrets;
mod clock;
mod copy_script;
mod cut_files;
mod deferred_constraint;
mod deploy_among_others;
mod deploy_interrupted;
mod deploy_killed;
mod deploy_on_failure;
mod deploy_pooler;
mod deploy_run;
mod deploy_servers;
mod deploy_undone_killed;
mod doctor;
mod documented_commands;
mod documented_harness;
mod down_data;
mod dry_run;
mod dry_runs;
mod embedded_application;
mod encodings;
mod event_triggers;
mod example_migrations;
mod exit_codes;
mod fail_over;
mod fifty_starts_with_a_concurrent_index;
mod file_bytes;
mod flight_replication;
mod full_server;
mod harness_cluster;
mod harness_hostile_text;
mod harness_outputs;
mod harness_proxy;
mod harness_secrets;
mod harness_versions;
mod health;
mod history_elsewhere;
mod history_schema;
mod history_tampered;
mod hostile_files;
mod hostile_text;
mod huge_files;
mod interrupted;
mod invalid_index;
mod kill_at_every_file_step;
mod kill_at_every_message;
mod killed_runner_lets_the_next_one_go;
mod late_message;
mod links;
mod lint;
mod local_server;
mod lock_holder_lost;
mod long_runs;
mod lost_commit_is_resolved;
mod measured_locks;
mod measured_locks_of_scripts;
mod measured_locks_of_statements;
mod model;
mod modified_after_apply;
mod narrow_terminals;
mod new_files;
mod out_of_order;
mod outputs;
mod postflight_verb;
mod preflight;
mod preflight_disk;
mod preflight_maintenance;
mod preflight_privileges;
mod preflight_server;
mod preflight_sessions;
mod preflight_settings;
mod preflight_wraparound;
mod privileges;
mod proof;
mod proof_cli;
mod proof_record;
mod protected_up;
mod reading_waits_for_no_table;
mod reading_writes_nothing;
mod records;
mod records_of_verbs;
mod refused_early;
mod rehearsal_memory;
mod rehearse;
mod restore_killed;
mod restore_parts;
mod restore_refusals;
mod restore_round_trip;
mod restore_swap;
mod rollback;
mod round_trip;
mod runbook;
mod schema_assert;
mod schema_changes;
mod schema_check;
mod schema_compare;
mod schema_drift;
mod schema_show;
mod schema_versions;
mod secrets;
mod server_restart;
mod server_words;
mod session_leaks;
mod shell_helpers;
mod single_transaction;
mod splitter;
mod standby;
mod start_fifty;
mod table_lock_is_not_waited_for;
mod terminate_at_every_message;
mod transaction_control;
mod verify_base;
mod verify_databases;
mod verify_findings;
mod verify_versions;
mod version_skew;

use std::collections::BTreeSet;
use std::path::Path;

/// A file that is not declared here would be a test that is never run.
#[test]
fn no_forgotten_test_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = path.is_dir() && path.join("mod.rs").is_file();
        if module || path.extension().is_some_and(|extension| extension == "rs") && name != "main" {
            files.insert(name);
        }
    }
    let declared =
        include_str!("main.rs").split('\n').filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    assert_eq!(declared.map(str::to_owned).collect::<BTreeSet<_>>(), files);
}
