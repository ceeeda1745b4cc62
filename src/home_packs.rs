//! The packs that a person keeps in the guard's home: read, compiled once, and opened from the compiled form after that.
//!
//! A pack that cannot be used is an error for whoever asked: rules that were meant to watch are not silently absent.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::builtin;
use crate::home_files::{self, Unreadable};
use crate::record;
use crate::rules::spec::PackSpec;
use crate::rules::{RuleError, Tables};
use crate::scan::{Scanner, packs};

/// Where packs lie, below the guard's home.
pub const FOLDER: &str = "packs";
/// Where their compiled forms are kept, below that; each under the digest of what it was made from.
const COMPILED: &str = ".compiled";
/// Bytes of the digest before compiled tables.
const DIGEST: usize = 32;

/// The rules that ship and a person's own.
#[derive(Debug)]
pub struct Extended {
    /// Finds what either describes.
    pub scanner: Scanner,
    /// `sha256:…` over the names and the bytes of the packs.
    pub digest: String,
}

/// The packs below `home`, sorted by name; none when there is no folder of them.
///
/// # Errors
/// A folder that is there and cannot be read.
pub fn files(home: &Path) -> Result<Vec<PathBuf>, RuleError> {
    home_files::list(&home.join(FOLDER)).map_err(|error| unreadable(&error))
}

fn unreadable(error: &Unreadable) -> RuleError {
    RuleError::unreadable(&error.path, &error.why)
}

/// The rules that ship and those of the packs below `home`; `None` when there are no packs.
///
/// # Errors
/// Everything that is wrong with the packs, as when one is checked.
pub fn load(home: &Path) -> Result<Option<Extended>, Vec<RuleError>> {
    let files = files(home).map_err(|error| vec![error])?;
    if files.is_empty() {
        return Ok(None);
    }
    let texts = files
        .into_iter()
        .map(|path| match home_files::read(&path) {
            Ok(text) => Ok((path, text)),
            Err(error) => Err(vec![unreadable(&error)]),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let digest = digest(&texts);
    let kept = home
        .join(FOLDER)
        .join(COMPILED)
        .join(format!("{digest}.bin"));
    let tables = match open(&kept) {
        Some(tables) => tables,
        None => compile(texts, &kept)?,
    };
    let mut scanner = builtin::new_scanner().map_err(|damaged| {
        vec![RuleError::unreadable(
            Path::new("armorer-guard"),
            &damaged.to_string(),
        )]
    })?;
    scanner.add(tables);
    Ok(Some(Extended {
        scanner,
        digest: format!("sha256:{digest}"),
    }))
}

/// Refuses ids that a rule that ships has.
///
/// # Errors
/// One for each such id.
pub fn refuse_taken(packs: &[(String, PackSpec)]) -> Result<(), Vec<RuleError>> {
    let shipped: HashSet<&str> = builtin::scanner()
        .rules()
        .map(|rule| rule.id.as_str())
        .collect();
    let errors: Vec<RuleError> = packs
        .iter()
        .flat_map(|(file, pack)| pack.rule.iter().map(move |rule| (file, rule)))
        .filter(|(_, rule)| shipped.contains(rule.id.as_str()))
        .map(|(file, rule)| RuleError {
            kind: RuleError::DUPLICATE,
            file: file.clone(),
            rule: rule.id.clone(),
            message: String::from("the id is that of a rule that ships"),
        })
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// Over the version too: another one may compile the same pack to something else.
fn digest(texts: &[(PathBuf, String)]) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(env!("CARGO_PKG_VERSION").as_bytes());
    for (path, text) in texts {
        part(
            path.file_name()
                .map(std::ffi::OsStr::as_encoded_bytes)
                .unwrap_or_default(),
        );
        part(text.as_bytes());
    }
    record::hex(&hash.finalize())
}

/// Tables that were compiled before; `None` when there are none, or they are not whole.
fn open(kept: &Path) -> Option<Tables> {
    let bytes = std::fs::read(kept).ok()?;
    let (digest, tables) = bytes.split_at_checked(DIGEST)?;
    (Sha256::digest(tables)[..] == *digest)
        .then(|| Tables::open(Cow::Owned(tables.to_vec())))
        .flatten()
}

fn compile(texts: Vec<(PathBuf, String)>, kept: &Path) -> Result<Tables, Vec<RuleError>> {
    let packs = texts
        .into_iter()
        .map(|(path, text)| match packs::parse(&text) {
            Ok(pack) => Ok((path.display().to_string(), pack)),
            Err(message) => Err(vec![RuleError::unreadable(&path, &message)]),
        })
        .collect::<Result<Vec<_>, _>>()?;
    refuse_taken(&packs)?;
    let tables = packs::compile(packs)?;
    // Only the time to compile them again is lost when they cannot be kept.
    let _ = keep(kept, &tables);
    Tables::open(Cow::Owned(tables)).ok_or_else(Vec::new)
}

/// Written aside and put into its place whole, since other processes may read it meanwhile.
fn keep(kept: &Path, tables: &[u8]) -> io::Result<()> {
    let folder = kept.parent().unwrap_or(kept);
    std::fs::create_dir_all(folder)?;
    let aside = kept.with_extension(format!("{}.part", std::process::id()));
    let whole = [Sha256::digest(tables).as_slice(), tables].concat();
    let written = std::fs::write(&aside, whole).and_then(|()| std::fs::rename(&aside, kept));
    if written.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Surface;
    use crate::home_files::scratch::Home;

    const PACK: &str = r#"
kind = "secret"

[[rule]]
id = "secrets.acme-pat"
name = "Acme token"
description = "Whoever holds it acts as its owner."
severity = "high"
references = ["https://docs.acme.example/tokens"]
examples = ["ACME=⟦acme_{base62:36}⟧", "token ⟦acme_{base62:36}⟧."]
near_misses = ["acme_{base62:35}", "xacme_{base62:36}"]
token.shapes = ["acme_{base62:36}"]
"#;

    fn finds(home: &Home) -> Vec<String> {
        let text = format!("t = acme_{}", "k7Gh2mQp9XvR4tLs8WzB3nYc5Jd1Fa6He0Ui");
        load(&home.root)
            .unwrap()
            .unwrap()
            .scanner
            .scan(text.as_bytes(), Surface::ToolResult)
            .into_iter()
            .map(|finding| finding.rule.into_owned())
            .collect()
    }

    #[test]
    fn packs_find_at_once_and_again_from_their_compiled_form() {
        let home = Home::new(FOLDER);
        assert!(load(&home.root).unwrap().is_none());
        assert!(load(Path::new("/nowhere/at/all")).unwrap().is_none());
        home.put("acme.toml", PACK);
        assert_eq!(finds(&home), ["secrets.acme-pat"]);
        let folder = home.root.join(FOLDER).join(COMPILED);
        let kept: Vec<PathBuf> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(kept.len(), 1);
        assert_eq!(finds(&home), ["secrets.acme-pat"]);
        // A form that is not whole is made anew, not believed.
        let whole = std::fs::read(&kept[0]).unwrap();
        std::fs::write(&kept[0], &whole[..whole.len() / 2]).unwrap();
        assert_eq!(finds(&home), ["secrets.acme-pat"]);
        assert_eq!(std::fs::read(&kept[0]).unwrap(), whole);
    }

    #[test]
    fn a_pack_that_cannot_be_used_is_an_error_and_not_absent() {
        let home = Home::new(FOLDER);
        let kind = |text: &str| {
            home.put("own.toml", text);
            load(&home.root).unwrap_err()[0].kind
        };
        assert_eq!(kind("not toml ["), RuleError::UNREADABLE);
        assert_eq!(
            kind(&PACK.replace("secrets.acme-pat", "secrets.github-token")),
            RuleError::DUPLICATE
        );
        assert_eq!(
            kind(&PACK.replace("xacme_{base62:36}", "acme_{base62:36}")),
            RuleError::NEAR_MISS_FOUND
        );
    }
}
