migrate_runtime::embed!("check_orphan");

fn main() {}
