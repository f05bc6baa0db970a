migrate_runtime::embed!("check_directive");

fn main() {}
