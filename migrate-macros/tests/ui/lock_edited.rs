migrate_runtime::embed!("lock_edited");

fn main() {}
