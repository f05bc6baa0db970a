migrate_runtime::embed!("duplicate_version");

fn main() {}
