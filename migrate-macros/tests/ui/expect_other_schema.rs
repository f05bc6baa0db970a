migrate_runtime::expect!(mod = "expect"; "totals.sum");

fn main() {}
