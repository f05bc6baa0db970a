//! SQL to start from: our golden files, the example migrations, and what `FUZZ_CORPUS` names.

use std::fs;
use std::path::{Path, PathBuf};

/// The scripts of ours: the torture file and the example migrations.
pub fn scripts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut texts = vec![fs::read_to_string(root.join("migrate-core/testdata/split.sql")).unwrap()];
    texts.extend(sql_files(&root.join("migrations")));
    texts
}

/// The texts, in the order of their paths.
pub fn load() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut texts = sql_files(&root.join("migrate-core/testdata"));
    texts.extend(scripts());
    if let Some(folder) = std::env::var_os("FUZZ_CORPUS") {
        // Scripts of psql are cut at their commands: what stands between them is SQL.
        for text in sql_files(&PathBuf::from(folder)) {
            texts.extend(without_meta_commands(&text));
        }
    }
    texts
}

fn sql_files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    paths.sort();
    paths.iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()).collect()
}

fn without_meta_commands(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('\\') {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push_str(line);
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}
