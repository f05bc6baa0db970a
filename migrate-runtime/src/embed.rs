//! `embed!`: the migrations of a folder in the application, and a module of functions that run them.

#[doc(hidden)]
pub use migrate_macros::embed_in as __embed_in;
#[doc(hidden)]
pub use migrate_macros::expect_in as __expect_in;

/// Puts the migrations of a folder, with their checksums, into the application, as a module `embedded`.
///
/// ```no_run
/// migrate_runtime::embed!();                          // the folder `migrations` of the crate, else of its workspace
/// migrate_runtime::embed!(pub(crate) mod schema);     // another name for the module
/// migrate_runtime::embed!(mod other = "../migrations"); // another folder too, relative to the crate's `Cargo.toml`
///
/// fn main() -> Result<(), migrate_runtime::Error> {
///     embedded::run()?;
///     Ok(())
/// }
/// ```
///
/// The module has `run()`, `migrator()`, `verify()`, `check_schema()`, `wait(deadline)` and the statics `MIGRATIONS` and
/// `SCHEMA`; with the feature `tokio` also `run_async()`, `verify_async()`, `check_schema_async()` and
/// `wait_async(deadline)`. All of it is statics: a start does no work for it.
///
/// # Compile errors
///
/// Everything that `cargo migrate verify` refuses in a folder is a compile error here, all at once and each with its file; and
/// so is a folder that is not what its `migrations.lock` says. The lock and every file are inputs of the build: adding a
/// migration, or getting one with git, rebuilds the application, and no build script is needed for that.
#[macro_export]
macro_rules! embed {
    () => {
        $crate::embed::__embed_in! { [$crate] [pub] [embedded] [] }
    };
    ($folder:literal $(,)?) => {
        $crate::embed::__embed_in! { [$crate] [pub] [embedded] [$folder] }
    };
    ($visibility:vis mod $name:ident $(;)?) => {
        $crate::embed::__embed_in! { [$crate] [$visibility] [$name] [] }
    };
    ($visibility:vis mod $name:ident = $folder:literal $(;)?) => {
        $crate::embed::__embed_in! { [$crate] [$visibility] [$name] [$folder] }
    };
}

/// Checks at compile time that tables and columns are there which a program names in its SQL.
///
/// They are looked up in `schema.sql.snap`, the schema at the newest version, which `cargo migrate verify --record` writes
/// beside the migrations. One that is not there is a compile error at its text, with the nearest one that is.
///
/// ```no_run
/// # mod in_an_application_with_a_schema { macro_rules! expect { ($($t:tt)*) => {} }
/// expect!("orders.total", "users.email");           // of the schema public, in the folder that `embed!()` takes
/// expect!("sales.orders.total: numeric(12,2)");     // of another schema; and its type
/// expect!("users.email: text not null");            // and that it takes no NULL: no `Option` needed
/// expect!("orders");                                // a table or a view
/// expect!(mod = "../migrations"; "orders.total");   // another folder, relative to the crate's `Cargo.toml`
/// # }
/// ```
///
/// Names are written as in SQL: in double quotes where they have capitals. It can stand wherever an item or a statement
/// can. The recorded schema is an input of the build.
#[macro_export]
macro_rules! expect {
    (mod = $folder:literal; $($what:literal),+ $(,)?) => {
        $crate::embed::__expect_in! { [$folder] $($what),+ }
    };
    ($($what:literal),+ $(,)?) => {
        $crate::embed::__expect_in! { [] $($what),+ }
    };
}

/// The functions of the module. They are written here and not by the procedural macro, because whether there are asynchronous
/// ones is a matter of this crate's features, not of the application's.
#[cfg(not(feature = "tokio"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __embedded_functions {
    () => {
        $crate::__embedded_blocking_functions! {}
    };
}

/// As above, with the asynchronous functions.
#[cfg(feature = "tokio")]
#[doc(hidden)]
#[macro_export]
macro_rules! __embedded_functions {
    () => {
        $crate::__embedded_blocking_functions! {}

        /// As [`run`], on the application's own tokio runtime.
        pub async fn run_async() -> ::core::result::Result<$crate::Report, $crate::Error> {
            migrator().run_async($crate::core::Goal::UpAll).await
        }

        /// As [`verify`], on the application's own tokio runtime.
        pub async fn verify_async() -> ::core::result::Result<(), $crate::Error> {
            migrator().verify_async().await
        }

        /// As [`check_schema`], on the application's own tokio runtime.
        pub async fn check_schema_async() -> ::core::result::Result<(), $crate::Error> {
            migrator().check_recorded_schema_async(SCHEMA).await
        }

        /// As [`wait`], on the application's own tokio runtime.
        pub async fn wait_async(
            deadline: ::core::time::Duration,
        ) -> ::core::result::Result<(), $crate::Error> {
            migrator().wait_async(deadline).await
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __embedded_blocking_functions {
    () => {
        /// Brings the database of `DATABASE_URL` up to date. Refuses where an applied migration was modified.
        pub fn run() -> ::core::result::Result<$crate::Report, $crate::Error> {
            migrator().run($crate::core::Goal::UpAll)
        }

        /// A builder for everything that `run` has a default for: the database, timeouts, policies, an event handler.
        pub fn migrator() -> $crate::Migrator {
            let migrator = $crate::Migrator::embedded(&MIGRATIONS);
            // Only a developer's binary has its folder beside it, and only there the path of it belongs into the binary.
            #[cfg(debug_assertions)]
            let migrator = migrator.built_from(FOLDER);
            migrator
        }

        /// Whether everything is applied; for an application that must not migrate itself. Writes nothing.
        pub fn verify() -> ::core::result::Result<(), $crate::Error> {
            migrator().verify()
        }

        /// Whether the database has the schema that this application was built for, as `schema.sql.snap` beside the
        /// migrations has it; also for an application that must not migrate itself. Writes nothing.
        pub fn check_schema() -> ::core::result::Result<(), $crate::Error> {
            migrator().check_recorded_schema(SCHEMA)
        }

        /// Waits until somebody else has applied everything, for at most `deadline`. Writes nothing.
        pub fn wait(deadline: ::core::time::Duration) -> ::core::result::Result<(), $crate::Error> {
            migrator().wait(deadline)
        }
    };
}
