# `just` lists the recipes; each is a command that works without it too.

_default:
    @just --list

# Apply the example migrations to the project's own PostgreSQL.
up:
    cargo migrate up

# Every test, against a real PostgreSQL that the tests start themselves.
test *args:
    cargo test --workspace {{args}}

# What CI asks for before the tests.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

fmt:
    cargo fmt --all

# Look at the snapshots that changed, one by one.
snapshots:
    cargo insta review

# Licences, advisories, sources of the dependencies.
deny:
    cargo deny check

# The API documentation, as users see it.
doc:
    cargo doc --workspace --no-deps --open

# Everything CI runs.
ci:
    .ci/run
