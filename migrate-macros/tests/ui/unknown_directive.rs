migrate_runtime::embed!("unknown_directive");

fn main() {}
