migrate_runtime::expect!(mod = "expect_no_schema"; "orders.total");

fn main() {}
