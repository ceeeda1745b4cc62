//! Reading all of standard input, up to a limit.

use std::io::{self, IsTerminal, Read, Write};

/// Largest input that is read: more is refused, and said.
pub(crate) const MAX_INPUT_BYTES: usize = 64 << 20;

/// Why there is no input.
pub(crate) struct InputError {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

impl InputError {
    pub(crate) fn too_large(what: &str) -> Self {
        Self {
            kind: "input_too_large",
            message: format!("{what} is longer than {} MiB", MAX_INPUT_BYTES >> 20),
        }
    }

    pub(crate) fn unreadable(error: &io::Error) -> Self {
        Self {
            kind: "input_unreadable",
            message: format!("standard input cannot be read: {error}"),
        }
    }
}

/// Tells a person at a terminal that standard input is waited for.
pub(crate) fn invite() {
    if io::stdin().is_terminal() {
        let _ = io::stderr().write_all(b"reading standard input; end it with Ctrl-D\n");
    }
}

/// All of standard input.
pub(crate) fn read_all() -> Result<Vec<u8>, InputError> {
    let mut stdin = io::stdin().lock();
    // One read takes a usual call whole.
    let mut bytes = Vec::with_capacity(16 << 10);
    stdin
        .by_ref()
        .take(MAX_INPUT_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| InputError::unreadable(&error))?;
    if bytes.len() <= MAX_INPUT_BYTES {
        return Ok(bytes);
    }
    drop(bytes);
    // The rest is taken in and dropped: a writer whose pipe breaks may never look at the answer.
    match io::copy(&mut stdin, &mut io::sink()) {
        Ok(_) => Err(InputError::too_large("the input")),
        Err(error) => Err(InputError::unreadable(&error)),
    }
}
