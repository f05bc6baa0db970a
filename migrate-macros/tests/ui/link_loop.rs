migrate_runtime::embed!("link_loop");

fn main() {}
