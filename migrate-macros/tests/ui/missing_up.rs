migrate_runtime::embed!("missing_up");

fn main() {}
