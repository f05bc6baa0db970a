migrate_runtime::embed!("link_broken");

fn main() {}
