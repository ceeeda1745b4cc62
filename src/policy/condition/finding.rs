//! Conditions on one finding.

use super::{Globs, Range, Truth};
use crate::policy::compiled::Compiled;
use crate::policy::packed::{fixed_enum, fixed_word};
use crate::scan::{Checksum, Finding, Severity};

fixed_word!(Severity {
    0 => Low,
    1 => Medium,
    2 => High,
    3 => Critical,
});

/// A condition on one finding. The family is not among them: it selects the findings a block speaks about.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) enum FindingCondition {
    Rule(Globs),
    Severity(Severity),
    /// Bit by position: valid, mismatch, none.
    Checksum(u8),
    Confidence(Range),
}

fixed_enum!(FindingCondition {
    0 => Rule(globs: Globs),
    1 => Severity(least: Severity),
    2 => Checksum(set: u8),
    3 => Confidence(range: Range),
});

impl FindingCondition {
    pub(in crate::policy) const fn name(&self) -> &'static str {
        match self {
            Self::Rule(_) => "finding.rule",
            Self::Severity(_) => "finding.severity",
            Self::Checksum(_) => "finding.checksum",
            Self::Confidence(_) => "finding.confidence",
        }
    }

    pub(in crate::policy) fn holds(self, finding: &Finding, compiled: &Compiled) -> Truth {
        match self {
            Self::Rule(globs) => globs.fit(&finding.rule, compiled),
            Self::Severity(least) => finding.severity >= least,
            Self::Checksum(set) => {
                let bit = match finding.checksum {
                    Some(Checksum::Valid) => 0,
                    Some(Checksum::Mismatch) => 1,
                    None => 2,
                };
                set & (1 << bit) != 0
            }
            Self::Confidence(range) => range.holds(u64::from(finding.confidence_pm)),
        }
        .into()
    }
}
