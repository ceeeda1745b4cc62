//! The active policy on the disk: a pointer that is switched as a whole, and an object that its digest vouches for.
//!
//! Reads only. What is missing altogether is the built-in policy; what is there but cannot be used is an error, so that
//! a half-written or damaged file is never weaker than what it should have been.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Policy, PolicyError, digest_of};

/// What `format` of the pointer says.
const FORMAT: &str = "armorer-active/1";
/// Longest pointer, in bytes.
const MAX_POINTER: u64 = 4096;
/// Longest policy, in bytes: thousands of rules.
const MAX_POLICY: u64 = 8 << 20;

/// `policy/active.json`: which policy is in force.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Active<'a> {
    format: &'a str,
    digest: &'a str,
    /// The same policy as a build's own table, which loads in a fraction of the time.
    #[serde(borrow, default)]
    table: Option<Table<'a>>,
}

/// A table, and for which build it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table<'a> {
    form: &'a str,
    digest: &'a str,
    /// CRC-32 of the table. It tells damage in a fraction of the time that the digest takes; whoever could forge the one
    /// could write the other into this very pointer.
    #[serde(default)]
    crc32: Option<u32>,
}

/// What tables of this build look like; nothing in the build script, which reads none.
const FORM: Option<&str> = option_env!("POLICY_TABLE_FORM");

/// The policy's table and its form, for whoever puts the policy in force.
///
/// # Errors
/// [`PolicyError`] when the policy cannot be used.
pub fn table(policy: &[u8]) -> Result<(&'static str, Vec<u8>), PolicyError> {
    let policy = Policy::from_compiled(policy)?;
    Ok((FORM.unwrap_or_default(), policy.to_stored()))
}

/// The policy in its table; `None` where there is none that is sound and of this build. The policy itself is then read.
fn from_table(home: &Path, active: &Active<'_>) -> Option<Policy> {
    let table = active.table.as_ref()?;
    if table.form.is_empty() || Some(table.form) != FORM {
        return None;
    }
    let bytes = read(&object_path(home, table.digest)?, MAX_POLICY).ok()??;
    if table.crc32 != Some(crc32fast::hash(&bytes)) {
        return None;
    }
    let policy = Policy::from_stored(bytes).ok()?;
    (policy.compiled.is_sound() && policy.digest() == active.digest).then_some(policy)
}

/// Where the pointer lies.
fn pointer_path(home: &Path) -> PathBuf {
    home.join("policy/active.json")
}

/// Where an object lies: the same place as every object of the store.
fn object_path(home: &Path, digest: &str) -> Option<PathBuf> {
    let name = digest.strip_prefix("sha256:")?;
    let sound = name.len() == 64
        && name
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    sound.then(|| home.join(["store/objects/", &name[..2], "/", name].concat()))
}

fn error(kind: &'static str, message: String) -> PolicyError {
    PolicyError { kind, message }
}

/// The active policy below the guard's home; `None` when none was ever activated.
///
/// # Errors
/// [`PolicyError`] when there is one and it cannot be used.
pub fn load_active(home: &Path) -> Result<Option<Policy>, PolicyError> {
    let path = pointer_path(home);
    let Some(pointer) = read(&path, MAX_POINTER)? else {
        return Ok(None);
    };
    let active: Active<'_> = serde_json::from_slice(&pointer).map_err(|cause| {
        error(
            "policy_pointer",
            format!("`{}` does not name a policy: {cause}", path.display()),
        )
    })?;
    if active.format != FORMAT {
        return Err(error(
            "policy_pointer",
            format!(
                "`{}` is written in `{}`; this core reads `{FORMAT}`",
                path.display(),
                active.format
            ),
        ));
    }
    let Some(object) = object_path(home, active.digest) else {
        return Err(error(
            "policy_pointer",
            format!(
                "`{}` names `{}`; expected `sha256:` and 64 hexadecimal digits",
                path.display(),
                active.digest
            ),
        ));
    };
    if let Some(policy) = from_table(home, &active) {
        return Ok(Some(policy));
    }
    let Some(bytes) = read(&object, MAX_POLICY)? else {
        return Err(error(
            "policy_missing",
            format!("the active policy is not at `{}`", object.display()),
        ));
    };
    let digest = digest_of(&bytes);
    if digest != active.digest {
        return Err(error(
            "policy_digest_mismatch",
            format!(
                "`{}` is damaged: its digest is `{digest}`",
                object.display()
            ),
        ));
    }
    Policy::with_digest(&bytes, &digest).map(Some)
}

/// A whole file; `None` when nothing is there.
fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, PolicyError> {
    let unreadable = |cause: std::io::Error| {
        error(
            "policy_unreadable",
            format!("`{}` cannot be read: {cause}", path.display()),
        )
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(unreadable(cause)),
    };
    let mut bytes = Vec::with_capacity(usize::try_from(limit.min(64 << 10)).unwrap_or(0));
    let read = file
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if read as u64 > limit {
        return Err(error(
            "policy_too_large",
            format!("`{}` is longer than {limit} bytes", path.display()),
        ));
    }
    Ok(Some(bytes))
}
