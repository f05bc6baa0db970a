//! The runbook from top to bottom, in a shop whose production is a real database: every command and every query of its
//! blocks is typed as printed, in the state that the part is about, and every screen is what the program prints then.
//!
//! `UPDATE_DOCS=1` writes the screens that are not the same anew. In them a line `…` stands for lines that are left out, and
//! `…` in a line for what varies; [`screen`] knows times, sizes and names. `RUNBOOK=word` runs the parts whose heading has it.

mod database;
mod history;
mod locks;
mod machine;
mod migrations;
mod page;
mod production;
mod refused;
mod screen;
mod typist;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use migrate_tests::production::has_pg_dump;
use migrate_tests::subject::in_parallel;
use migrate_tests::{Cluster, skip};

use typist::{Other, Typist};

/// What is done in a part of the page.
type Scene = fn(&mut Typist<'_>);

#[test]
fn every_block_is_typed_and_every_screen_is_as_printed() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let scenes: Vec<(&str, Scene)> = [
        production::SCENES,
        refused::SCENES,
        migrations::SCENES,
        machine::SCENES,
        locks::SCENES,
        database::SCENES,
        history::SCENES,
    ]
    .concat();
    let text = std::fs::read_to_string(page::path()).unwrap();
    let parts = page::parts(&text);
    for (heading, _) in &scenes {
        assert_eq!(parts.iter().filter(|part| part.heading == *heading).count(), 1, "the part `{heading}`");
    }
    let chosen = std::env::var("RUNBOOK").unwrap_or_default();
    let mut parts: Vec<_> = parts.into_iter().filter(|part| part.heading.contains(&chosen)).collect();
    // A run asks a minute long for a table's lock: the others are typed meanwhile.
    parts.sort_by_key(|part| part.heading != locks::LONGEST);
    assert!(!parts.is_empty(), "no heading has `{chosen}`");

    let cluster = Cluster::builder().tcp().start();
    Typist::prepare(&cluster);
    let (broken, others) = (Mutex::new(Vec::new()), Mutex::new(Vec::<Other>::new()));
    in_parallel(&parts, |part| {
        let typed = catch_unwind(AssertUnwindSafe(|| {
            let scene = scenes.iter().find(|(heading, _)| *heading == part.heading);
            let (_, scene) =
                scene.unwrap_or_else(|| panic!("nothing types what stands in `{}`", part.heading));
            let mut typist = Typist::new(&cluster, part, &others);
            scene(&mut typist);
            typist.done();
        }));
        if typed.is_err() {
            broken.lock().unwrap().push(part.heading.clone());
        }
    });
    let (broken, others) = (broken.into_inner().unwrap(), others.into_inner().unwrap());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let screens = others.iter().map(|other| (&other.block, other.printed.as_str()));
        std::fs::write(page::path(), page::with(&text, screens)).unwrap();
    } else {
        for Other { block, printed } in &others {
            eprintln!("line {} of the runbook has\n{}\nand printed is\n{printed}", block.line, block.text);
        }
        assert!(others.is_empty(), "{} screens differ; UPDATE_DOCS=1 writes them", others.len());
    }
    assert!(broken.is_empty(), "what failed is told above: {broken:?}");
}
