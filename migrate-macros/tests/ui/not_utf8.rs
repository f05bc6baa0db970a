migrate_runtime::embed!("not_utf8");

fn main() {}
