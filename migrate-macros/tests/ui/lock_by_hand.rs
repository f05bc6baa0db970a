migrate_runtime::embed!("lock_by_hand");

fn main() {}
