migrate_runtime::embed!("device");

fn main() {}
