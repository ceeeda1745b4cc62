//! Content-addressed objects beside the log: policies, and what is too large for a line.

use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::id::{self, digest};
use super::os;

/// Where an object lies: `objects/ab/<64 hexadecimal digits>`.
#[must_use]
pub(super) fn path(root: &Path, digest: &str) -> Option<PathBuf> {
    let name = digest.strip_prefix("sha256:")?;
    let sound = name.len() == 64
        && name
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    sound.then(|| root.join(["objects/", &name[..2], "/", name].concat()))
}

/// Keeps `bytes` under their digest. What is there already stays; its name says that it is the same.
pub(super) fn put(root: &Path, bytes: &[u8]) -> Result<String, StoreError> {
    let digest = digest(bytes);
    put_named(root, &digest, || bytes.to_vec())?;
    Ok(digest)
}

/// As [`put`], for bytes whose digest is known; they are asked for only when they are not there.
pub(super) fn put_named(
    root: &Path,
    digest: &str,
    bytes: impl FnOnce() -> Vec<u8>,
) -> Result<(), StoreError> {
    let Some(path) = path(root, digest) else {
        return Err(StoreError::new(
            StoreError::CORRUPTED,
            "an object's name must be `sha256:` and 64 hexadecimal digits",
        ));
    };
    let unwritable = |error: &std::io::Error| StoreError::io("write", &path, error);
    if os::stat_path(&path)
        .map_err(|error| unwritable(&error))?
        .is_some()
    {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        os::make_dir(parent).map_err(|error| unwritable(&error))?;
    }
    os::create_whole(&path, &bytes(), &id::random_hex()?).map_err(|error| unwritable(&error))?;
    Ok(())
}
