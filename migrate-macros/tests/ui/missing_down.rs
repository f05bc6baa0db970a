migrate_runtime::embed!("missing_down");

fn main() {}
