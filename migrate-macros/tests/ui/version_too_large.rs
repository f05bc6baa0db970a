migrate_runtime::embed!("version_too_large");

fn main() {}
