//! What is answered to a call whose decision cannot be recorded. A leaf.

/// What is answered to a call whose decision cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Unrecorded {
    /// Everything is denied.
    Deny,
    /// What only reads is allowed with a gap that is said later; everything else is denied.
    #[default]
    DenyChanges,
    /// What the policy decided, with a gap that is said later.
    Decide,
}

impl Unrecorded {
    /// The answer that a name means.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "deny" => Some(Self::Deny),
            "deny-changes" => Some(Self::DenyChanges),
            "decide" => Some(Self::Decide),
            _ => None,
        }
    }

    /// The answer that `ARMORER_GUARD_UNRECORDED` names. What it does not know is taken as the strictest.
    #[must_use]
    pub fn from_environment() -> Self {
        match std::env::var("ARMORER_GUARD_UNRECORDED") {
            Err(std::env::VarError::NotPresent) => Self::default(),
            Ok(name) if name.is_empty() => Self::default(),
            Ok(name) => Self::from_name(&name).unwrap_or(Self::Deny),
            Err(_) => Self::Deny,
        }
    }
}
