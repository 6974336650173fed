//! Whole files as they come from dump programs: the tables are read, the rest is counted.
