//! Scratch folders for tests: a test runs in a thread of its own, and they are gone when that ends.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

struct Made(Vec<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
        }
    }
}

thread_local! {
    static MADE: RefCell<Made> = const { RefCell::new(Made(Vec::new())) };
}

/// A path that nothing else uses; nothing lies there yet.
pub(crate) fn path() -> PathBuf {
    let path = std::env::temp_dir().join(format!("armorer-test-{}", super::new_id()));
    MADE.with_borrow_mut(|made| made.0.push(path.clone()));
    path
}

/// A folder that nothing else uses.
pub(crate) fn folder() -> PathBuf {
    let path = path();
    fs::create_dir_all(&path).unwrap();
    path
}
