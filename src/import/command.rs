//! temporary
use crate::model::Op;
pub struct ParsedCommand { pub op: Op, pub table: (Option<String>, String), pub key: Vec<(String, Option<String>)>, pub values: Vec<(String, Option<String>)> }
#[derive(Debug, thiserror::Error)]
#[error("no")]
pub struct CommandError;
pub fn parse_command(_: &str) -> Result<ParsedCommand, CommandError> { Err(CommandError) }
