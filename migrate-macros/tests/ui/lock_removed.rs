migrate_runtime::embed!("lock_removed");

fn main() {}
