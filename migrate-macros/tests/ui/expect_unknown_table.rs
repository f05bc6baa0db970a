migrate_runtime::expect!(mod = "expect"; "order.total");

fn main() {}
