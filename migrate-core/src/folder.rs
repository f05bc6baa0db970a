//! The folder of migration files: the one reader of both disk and compile time.
