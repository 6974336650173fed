//! The outbox read in windows: what became visible since a cursor.
