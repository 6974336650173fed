//! Brings the inbox of one node into its application tables.
