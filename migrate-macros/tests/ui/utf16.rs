migrate_runtime::embed!("utf16");

fn main() {}
