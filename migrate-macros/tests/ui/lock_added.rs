migrate_runtime::embed!("lock_added");

fn main() {}
