//! Databases to try things on.
