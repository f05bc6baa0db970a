//! Whether a run may begin: the checks before it, the report, and the marker of a pass.
