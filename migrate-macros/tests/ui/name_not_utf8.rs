migrate_runtime::embed!("name_not_utf8");

fn main() {}
