//! The native front: starts in about a millisecond, no Python in the process.
//!
//! This folder reads input, asks the guard and writes the answer. What an answer means is the core's business.

mod args;
mod catalogue;
mod check;
mod help;
mod hook;
mod input;
mod last_resort;
mod lines;
mod output;
mod progress;
mod python;
mod redact;
mod rules;
mod scan;
mod whole;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use args::Command;
use output::{Status, complain, print};

fn main() -> ExitCode {
    last_resort::prepare();
    std::panic::set_hook(Box::new(|info| {
        // The place, never the message: a message may quote the input.
        let place = info.location().map_or_else(String::new, |location| {
            format!(" at {}:{}", location.file(), location.line())
        });
        complain(&format!("internal error{place}"), None);
    }));
    let code = catch_unwind(AssertUnwindSafe(run)).unwrap_or(Status::Error.code());
    ExitCode::from(code)
}

fn run() -> u8 {
    match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Check(options)) => check::run(&options).code(),
        Ok(Command::Hook(options)) => hook::run(&options),
        Ok(Command::Redact(options)) => redact::run(&options),
        Ok(Command::Scan(options)) => scan::run(&options),
        Ok(Command::Rules(options)) => rules::run(&options),
        Ok(Command::Catalogue(options)) => catalogue::run(&options),
        Ok(Command::Python(arguments)) => python::run(&arguments),
        Ok(Command::Help(text)) => print(text().as_bytes()).code(),
        Err(error) => {
            complain(&error.message, error.hint.as_deref());
            Status::Error.code()
        }
    }
}
