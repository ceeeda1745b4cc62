//! What a decision was about, in one digest each. Taken when somebody asks: a call that is not recorded needs neither.

use serde::Serialize;

use super::error::StoreError;
use super::id;
use crate::decision::Decision;
use crate::json::Value;

impl Decision {
    /// `sha256:…` of tool and redacted arguments: what an approval binds to.
    #[must_use]
    pub fn action_digest(&self) -> String {
        let digest = || action_digest(&self.facts.tool, &self.facts.args);
        self.action.clone().unwrap_or_else(digest)
    }

    /// `sha256:…` of the facts, as the record states it.
    ///
    /// # Errors
    /// [`StoreError`] for facts that JSON cannot say; such a decision is in no log.
    pub fn facts_digest(&self) -> Result<String, StoreError> {
        facts_digest(&self.facts)
    }
}

/// A decision's digest of facts: `sha256:…` of their canonical bytes, which is what the record keeps.
///
/// # Errors
/// [`StoreError`] for facts that JSON cannot say.
pub fn facts_digest<T: Serialize + ?Sized>(facts: &T) -> Result<String, StoreError> {
    crate::json::to_canonical(facts)
        .map(|bytes| id::digest(&bytes))
        .map_err(|error| {
            StoreError::new(
                StoreError::CORRUPTED,
                format!("facts cannot be written: {error}"),
            )
        })
}

/// A decision's digest of the action: `sha256:…` of tool and redacted arguments, which is what an approval binds to.
#[must_use]
pub fn action_digest(tool: &str, args: &Value) -> String {
    #[derive(Serialize)]
    struct Acted<'a> {
        args: &'a Value,
        tool: &'a str,
    }
    let bytes = crate::json::to_canonical(&Acted { args, tool }).unwrap_or_default();
    let mut text = b"armorer-action/1\n".to_vec();
    text.extend_from_slice(&bytes);
    id::digest(&text)
}
