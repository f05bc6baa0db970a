migrate_runtime::embed!("/srv/migrations");

fn main() {}
