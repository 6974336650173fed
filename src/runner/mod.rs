//! Runs transport and import of all routes, paced and stopped cleanly.
