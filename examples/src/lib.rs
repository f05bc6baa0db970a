//! The example applications are the binaries of this package.
