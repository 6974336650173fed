//! Brings the inbox of one node into its application tables.

mod command;

pub use command::{CommandError, ParsedCommand, parse_command};
