migrate_runtime::embed!("check_not_locked");

fn main() {}
