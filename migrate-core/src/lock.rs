//! `migrations.lock`: the committed list of files and checksums.
