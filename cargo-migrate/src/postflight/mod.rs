//! Whether a run left everything as it should be: the checks after it, and the report.
