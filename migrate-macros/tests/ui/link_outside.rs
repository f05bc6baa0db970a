migrate_runtime::embed!("link_outside");

fn main() {}
