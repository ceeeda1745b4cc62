//! The native front: starts in about a millisecond, no Python in the process.

fn main() {}
