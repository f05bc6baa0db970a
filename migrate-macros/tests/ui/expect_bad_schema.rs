migrate_runtime::expect!(mod = "expect_bad_schema"; "orders.total");

fn main() {}
