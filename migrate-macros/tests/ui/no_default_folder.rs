migrate_runtime::embed!();

fn main() {}
