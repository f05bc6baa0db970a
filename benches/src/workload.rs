//! The migrations: a table and an index each, in every tool's layout, written below the bench's target folder.

use std::fs;
use std::path::{Path, PathBuf};

use migrate_core::folder::Options;
use migrate_core::lock::Lock;

use crate::Result;
use crate::tool::{self, Tool};

pub fn up_sql(number: usize) -> String {
    format!(
        "CREATE TABLE item_{number:04} (\n    id bigint NOT NULL,\n    name text NOT NULL,\n    \
         created_at timestamptz NOT NULL DEFAULT now()\n);\n\
         CREATE INDEX item_{number:04}_name ON item_{number:04} (name);\n"
    )
}

pub fn down_sql(number: usize) -> String {
    format!("DROP TABLE item_{number:04};\n")
}

/// The bench's own folder in the source tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn folder(tool: Tool, count: usize) -> PathBuf {
    root().join(format!("target/migrations/{}/{count}", tool.name()))
}

/// Writes what is not there as it should be; leaves the rest alone, so that nothing is built again without need.
pub fn write_all(counts: &[usize]) -> Result<()> {
    for tool in tool::ALL {
        for &count in counts {
            let folder = folder(tool, count);
            for number in 1..=count {
                write(&folder.join(tool.up(number)), &up_sql(number))?;
                if let Some(down) = tool.down(number) {
                    write(&folder.join(down), &down_sql(number))?;
                }
            }
            if tool == Tool::Ours {
                lock(&folder)?;
            }
        }
    }
    Ok(())
}

/// What `cargo migrate lock` does.
pub fn lock(folder: &Path) -> Result<()> {
    let set = migrate_core::folder::read(folder, &Options::new(root())).map_err(|error| error.to_string())?;
    Lock::of(&set).write(folder)?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, text)?)
}
