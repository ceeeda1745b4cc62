//! Files that calls of the run brought from the network, as far as no later call has put something else in their place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::actions::place::below;
use crate::facts::FetchedFile;
use crate::record::seen::{FetchedSeen, Line};

/// How many are remembered one by one; of more of them the folder is.
const MOST: usize = 256;

/// What a run has brought from the network, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FetchedFiles(BTreeMap<String, Brought>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Brought {
    host: Option<String>,
    record: String,
    at: String,
    written: bool,
}

impl FetchedFiles {
    /// Every one, sorted by path.
    pub(super) fn all(&self) -> Vec<FetchedFile> {
        let told = |(path, brought): (&String, &Brought)| FetchedFile {
            at: brought.at.clone(),
            host: brought.host.clone(),
            path: path.clone(),
            record: brought.record.clone(),
            written: brought.written,
        };
        self.0.iter().map(told).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets one, and what lay in it. Returns whether anything was there.
    pub(super) fn remove(&mut self, path: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|held, _| below(held, path).is_none());
        self.0.len() < before
    }

    /// Remembers one, that of the latest call under its path. Where there are too many, the nearest folder that holds
    /// others stands for all in it, and nobody is said to have served that.
    pub(super) fn add(&mut self, file: &FetchedSeen<'_>, line: &Line<'_>) {
        let mut brought = Brought {
            host: file.host.as_deref().map(str::to_owned),
            record: line.id.clone().into_owned(),
            at: line.ts.clone().into_owned(),
            written: file.written,
        };
        let mut path = &*file.path;
        if !self.0.contains_key(path) && self.0.len() >= MOST {
            brought.host = None;
            brought.written = false;
            loop {
                path = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let before = self.0.len();
                self.0.retain(|held, _| below(held, path).is_none());
                if self.0.len() < before || path.is_empty() {
                    break;
                }
            }
            path = if path.is_empty() { "/" } else { path };
        }
        self.0.insert(path.to_owned(), brought);
    }
}
