//! The native front: starts in about a millisecond, no Python in the process.
//!
//! This folder reads input, asks the guard and writes the answer. What an answer means is the core's business.
#![cfg_attr(all(target_os = "linux", target_env = "gnu"), no_main)]

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

use args::Command;
use output::{Status, complain, print};

/// std's own start looks where the stack lies, which takes longer than most calls that are judged; what else it does
/// is in [`last_resort::prepare`].
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod start {
    #![expect(unsafe_code, reason = "the C library calls the program by this name")]

    // SAFETY: no other function has that name, and it is what the C library expects there.
    #[unsafe(no_mangle)]
    extern "C" fn main() -> std::ffi::c_int {
        std::process::exit(i32::from(super::guarded()))
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(guarded())
}

fn guarded() -> u8 {
    last_resort::prepare();
    std::panic::set_hook(Box::new(|info| {
        // The place, never the message: a message may quote the input.
        let place = info.location().map_or_else(String::new, |location| {
            format!(" at {}:{}", location.file(), location.line())
        });
        complain(&format!("internal error{place}"), None);
    }));
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Status::Error.code())
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
