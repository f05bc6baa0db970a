//! File names: `{version}_{description}.{up|down}.sql`.
