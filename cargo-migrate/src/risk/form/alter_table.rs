//! `ALTER TABLE`, action by action.

use migrate_runtime::rehearsal::LockMode;
use squawk_syntax::ast::{self, AstNode};

use super::{Fact, Form, add_column, alter_column, constraint, text};
use crate::risk::effect::{Effect, Loss, Work};
use crate::risk::known::Known;
use crate::risk::name::Name;

pub(super) fn of(alter: &ast::AlterTable, known: &Known) -> Form {
    let Some(relation) = alter.table_relation_name() else {
        // ALL IN TABLESPACE … SET TABLESPACE moves whatever is there.
        let effect = Effect::new(None, LockMode::AccessExclusive, "`ALTER TABLE ALL IN TABLESPACE`");
        return Form { effects: vec![effect.work(Work::Rewrite)], facts: Vec::new() };
    };
    let Some(table) = Name::of(&relation) else { return Form::default() };
    let table_text = relation.table_name_ref().map(|name| text(name.syntax())).unwrap_or_default();
    let mut form = Form::default();
    for action in alter.actions() {
        let of_action = of_action(&table, &table_text, &action, known);
        form.effects.extend(of_action.effects);
        form.facts.extend(of_action.facts);
    }
    form
}

fn of_action(table: &Name, table_text: &str, action: &ast::AlterTableAction, known: &Known) -> Form {
    use LockMode::{AccessExclusive, ShareRowExclusive, ShareUpdateExclusive};
    use ast::AlterTableAction as Action;
    let lock = |mode, form: &'static str| Effect::new(Some(table.clone()), mode, form);
    let other = |node: Option<&ast::TableNameRef>, mode, form: &'static str| {
        Effect::new(node.and_then(Name::of), mode, form)
    };
    let mut facts = Vec::new();
    let effects = match action {
        Action::AddColumn(it) => return add_column::of(table, table_text, it),
        Action::AddConstraint(it) => return constraint::of(table, table_text, it),
        Action::AlterColumn(it) => vec![alter_column::of(table, table_text, it, known)],
        Action::DropColumn(it) => {
            let column = it.column_name_ref().map(|name| text(name.syntax())).unwrap_or_default();
            let form = format!("`DROP COLUMN {column}`");
            vec![Effect::new(Some(table.clone()), AccessExclusive, form).loss(Loss::Column)]
        }
        Action::DropConstraint(it) => {
            if let Some(constraint) = it.constraint_name_ref().as_ref().and_then(Name::of) {
                facts.push(Fact::Dropped { table: table.clone(), constraint: constraint.last().to_owned() });
            }
            vec![lock(AccessExclusive, "`DROP CONSTRAINT`")]
        }
        Action::ValidateConstraint(it) => {
            if let Some(constraint) = it.constraint_name_ref().as_ref().and_then(Name::of) {
                facts
                    .push(Fact::Validated { table: table.clone(), constraint: constraint.last().to_owned() });
            }
            vec![lock(ShareUpdateExclusive, "`VALIDATE CONSTRAINT`").work(Work::Scan)]
        }
        Action::SetAccessMethod(_) => vec![lock(AccessExclusive, "`SET ACCESS METHOD`").work(Work::Rewrite)],
        Action::SetLogged(_) => vec![lock(AccessExclusive, "`SET LOGGED`").work(Work::Rewrite)],
        Action::SetUnlogged(_) => vec![lock(AccessExclusive, "`SET UNLOGGED`").work(Work::Rewrite)],
        Action::SetTablespace(_) => vec![lock(AccessExclusive, "`SET TABLESPACE`").work(Work::Rewrite)],
        Action::SetOptions(it) => {
            // The one storage parameter of tables with a stronger lock (`reloptions.c`).
            let strong = text(it.syntax()).to_ascii_lowercase().contains("user_catalog_table");
            vec![lock(if strong { AccessExclusive } else { ShareUpdateExclusive }, "`SET (…)`")]
        }
        Action::ResetOptions(it) => {
            let strong = text(it.syntax()).to_ascii_lowercase().contains("user_catalog_table");
            vec![lock(if strong { AccessExclusive } else { ShareUpdateExclusive }, "`RESET (…)`")]
        }
        Action::ClusterOn(_) => vec![lock(ShareUpdateExclusive, "`CLUSTER ON`")],
        Action::SetWithoutCluster(_) => vec![lock(ShareUpdateExclusive, "`SET WITHOUT CLUSTER`")],
        Action::EnableTrigger(_)
        | Action::EnableAlwaysTrigger(_)
        | Action::EnableReplicaTrigger(_)
        | Action::DisableTrigger(_) => vec![lock(ShareRowExclusive, "`ENABLE` or `DISABLE TRIGGER`")],
        Action::AttachPartition(it) => vec![
            lock(ShareUpdateExclusive, "`ATTACH PARTITION`"),
            other(it.table_name_ref().as_ref(), AccessExclusive, "`ATTACH PARTITION`")
                .work(Work::Scan)
                .remark("unless a valid CHECK of the partition proves its bounds"),
        ],
        Action::DetachPartition(it) => {
            let partition = it.table_name_ref();
            let own = match it.detach_partition_option() {
                Some(_) => lock(ShareUpdateExclusive, "`DETACH PARTITION CONCURRENTLY`"),
                None => {
                    let detached = partition.as_ref().map(|name| text(name.syntax())).unwrap_or_default();
                    lock(AccessExclusive, "`DETACH PARTITION`").safer(format!(
                        "ALTER TABLE {table_text} DETACH PARTITION {detached} CONCURRENTLY;\n"
                    ))
                }
            };
            vec![own, other(partition.as_ref(), AccessExclusive, "`DETACH PARTITION`")]
        }
        Action::InheritTable(it) => vec![
            lock(AccessExclusive, "`INHERIT`"),
            other(it.table_name_ref().as_ref(), ShareUpdateExclusive, "`INHERIT`"),
        ],
        Action::MergePartitions(_) => vec![lock(AccessExclusive, "`MERGE PARTITIONS`").work(Work::Rewrite)],
        Action::SplitPartition(_) => vec![lock(AccessExclusive, "`SPLIT PARTITION`").work(Work::Rewrite)],
        Action::RenameColumn(_) => {
            vec![lock(AccessExclusive, "`RENAME COLUMN`").remark("applications that run know the old name")]
        }
        Action::TableRenameTo(_) => {
            vec![lock(AccessExclusive, "`RENAME TO`").remark("applications that run know the old name")]
        }
        Action::SetSchema(_) => vec![lock(AccessExclusive, "`SET SCHEMA`")],
        Action::OwnerTo(_) => vec![lock(AccessExclusive, "`OWNER TO`")],
        // "An ACCESS EXCLUSIVE lock is acquired unless explicitly noted."
        _ => vec![lock(AccessExclusive, "`ALTER TABLE`")],
    };
    Form { effects, facts }
}
