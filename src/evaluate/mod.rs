//! Metrics, confusion, intervals.
