migrate_runtime::embed!("lock_missing");

fn main() {}
