//! What `rules` can be told.

use lexopt::Parser;

use crate::args::{Command, UsageError};

pub(crate) struct Options {}

pub(crate) fn help() -> String {
    String::new()
}

pub(crate) fn parse(_parser: Parser) -> Result<Command, UsageError> {
    Ok(Command::Rules(Options {}))
}
