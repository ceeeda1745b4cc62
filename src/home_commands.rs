//! What a person's own programs do: files in the guard's home, in the format of `rules/commands`.
//!
//! They add to what ships and take nothing away. A file that cannot be used is an error for whoever asked: a program would
//! otherwise be understood as something that nobody wrote.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::actions::Own;
use crate::actions::catalogue::source::Text;
use crate::builtin;
use crate::home_files::{self, Unreadable};
use crate::{json, record};

/// Where they lie, below the guard's home.
pub const FOLDER: &str = "commands";
/// Below that, an empty file for each set of files whose examples were found to hold.
const CHECKED: &str = ".checked";

/// The commands of a home.
#[derive(Debug)]
pub struct HomeCommands {
    /// The files, by name.
    pub files: Vec<Text>,
    /// `sha256:…` of [`HomeCommands::text`].
    pub digest: String,
    /// Names and texts of the files in canonical JSON: what a store keeps, so that decisions can be taken again.
    pub text: Vec<u8>,
}

/// A file as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    text: String,
}

/// The paths of the files below `home`; none when there is no folder of them.
///
/// # Errors
/// A folder that is there and cannot be read.
pub fn files(home: &Path) -> Result<Vec<PathBuf>, String> {
    home_files::list(&home.join(FOLDER)).map_err(said)
}

/// The commands below `home`, held against format and examples; `None` when there are none.
///
/// # Errors
/// A sentence for each thing that is wrong with them.
pub fn load(home: &Path) -> Result<Option<HomeCommands>, Vec<String>> {
    let paths = files(home).map_err(|error| vec![error])?;
    if paths.is_empty() {
        return Ok(None);
    }
    let held = HomeCommands::read(&paths)?;
    let own = Own::compile("", &held.files, builtin::catalogue())?;
    let hex = held.digest.trim_start_matches("sha256:");
    let folder = home.join(FOLDER).join(CHECKED);
    // Another version may understand the same file otherwise.
    let mark = folder.join(format!("{}-{hex}", env!("CARGO_PKG_VERSION")));
    if !mark.is_file() {
        own.check(builtin::catalogue())?;
        // Only the time to check them again is lost when that cannot be kept.
        let _ = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&mark, ""));
    }
    Ok(Some(held))
}

impl HomeCommands {
    /// Reads files and looks no further.
    ///
    /// # Errors
    /// A sentence for each that cannot be read.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Vec<String>> {
        let mut files = Vec::new();
        let mut errors = Vec::new();
        for path in paths {
            match home_files::read(path) {
                Ok(text) => files.push(Text {
                    name: path.display().to_string(),
                    folder: String::from(FOLDER),
                    text,
                }),
                Err(error) => errors.push(said(error)),
            }
        }
        if errors.is_empty() {
            Self::of(files).map_err(|error| vec![error])
        } else {
            Err(errors)
        }
    }

    /// The commands in those files, of which nothing is checked.
    ///
    /// # Errors
    /// They cannot be written as JSON.
    pub fn of(files: Vec<Text>) -> Result<Self, String> {
        let kept: Vec<Kept> = files
            .iter()
            .map(|file| Kept {
                // Where the home lies says nothing about what is in it.
                name: Path::new(&file.name)
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                text: file.text.clone(),
            })
            .collect();
        let text = json::to_canonical(&kept).map_err(|error| error.to_string())?;
        Ok(Self {
            files,
            digest: record::digest(&text),
            text,
        })
    }
}

/// The files that a store kept.
///
/// # Errors
/// The bytes are no such files.
pub fn kept(text: &[u8]) -> Result<Vec<Text>, String> {
    let kept: Vec<Kept> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    Ok(kept
        .into_iter()
        .map(|Kept { name, text }| Text {
            name,
            folder: String::from(FOLDER),
            text,
        })
        .collect())
}

fn said(error: Unreadable) -> String {
    format!("{}: {}", error.path.display(), error.why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home_files::scratch::Home;

    const OWN: &str = r#"
[[command]]
name = "acme-release"
summary = "releases to customers"
effect = [{do = "cloud.deploy", to = "operand 1"}]
examples = {"acme-release web" = ["cloud.deploy web"]}
"#;

    #[test]
    fn they_are_named_by_what_is_in_them_and_not_by_where_they_lie() {
        let digests = [(), ()].map(|()| {
            let home = Home::new(FOLDER);
            assert!(load(&home.root).unwrap().is_none());
            home.put("acme.toml", OWN);
            let held = load(&home.root).unwrap().unwrap();
            let again = kept(&held.text).unwrap();
            assert_eq!(again[0].text, OWN);
            assert_eq!(HomeCommands::of(again).unwrap().digest, held.digest);
            home.put("acme.toml", &OWN.replace("customers", "people"));
            assert_ne!(load(&home.root).unwrap().unwrap().digest, held.digest);
            held.digest
        });
        assert_eq!(digests[0], digests[1]);
    }

    #[test]
    fn what_cannot_be_used_is_an_error_and_not_absent() {
        for (text, wrong) in [
            ("not toml [", "TOML parse error"),
            (
                &OWN.replace("acme-release", "git acme"),
                "`git acme` is known already",
            ),
            (
                &OWN.replace("[\"cloud.deploy web\"]", "[]"),
                "example `acme-release web` gives [\"cloud.deploy web\"], not []",
            ),
            ("[[tool]]\nnames = [\"x\"]\n", "unknown field `tool`"),
            (
                &OWN.replace("effect =", "flags = [\"-q\"]\nopen = [\"-q=*\"]\neffect ="),
                "`-q` takes no value that could be open",
            ),
        ] {
            let home = Home::new(FOLDER);
            home.put("own.toml", text);
            for _ in 0..2 {
                let errors = load(&home.root).unwrap_err();
                assert!(
                    errors[0].contains("own.toml: ") && errors[0].contains(wrong),
                    "{errors:?}"
                );
            }
        }
    }
}
