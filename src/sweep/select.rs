//! Which findings are wanted.

use crate::scan::{Finding, Severity};

/// Which findings are wanted. By default all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Rules or packs; when there are any, only those.
    pub only: Vec<String>,
    /// Rules or packs that are not wanted; they outweigh `only`.
    pub except: Vec<String>,
    /// The least severity.
    pub least: Option<Severity>,
}

impl Selection {
    /// Whether the finding is wanted.
    #[must_use]
    pub fn wants(&self, finding: &Finding) -> bool {
        let named = |names: &[String]| names.iter().any(|name| covers(name, &finding.rule));
        self.least.is_none_or(|least| finding.severity >= least)
            && (self.only.is_empty() || named(&self.only))
            && !named(&self.except)
    }

    /// The names that cover none of `rules`: a misspelt one would quietly hide or show everything.
    #[must_use]
    pub fn unknown<'a>(&'a self, rules: &[&str]) -> Vec<&'a str> {
        self.only
            .iter()
            .chain(&self.except)
            .map(String::as_str)
            .filter(|name| !rules.iter().any(|rule| covers(name, rule)))
            .collect()
    }
}

/// Whether `name` is that rule, or the family it belongs to: `secrets` covers `secrets.github-pat`.
#[must_use]
pub fn covers(name: &str, rule: &str) -> bool {
    rule.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The severity with that name.
#[must_use]
pub fn severity(name: &str) -> Option<Severity> {
    Severity::ALL
        .into_iter()
        .find(|severity| severity.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::FindingKind;
    use crate::span::ByteSpan;

    fn wanted(selection: &Selection) -> Vec<&'static str> {
        [
            ("secrets.a", Severity::Critical),
            ("secrets.b", Severity::Low),
            ("pii.card", Severity::Medium),
        ]
        .into_iter()
        .filter(|(rule, severity)| {
            selection.wants(&Finding {
                rule: (*rule).into(),
                kind: FindingKind::Secret,
                severity: *severity,
                confidence_pm: 1000,
                at: String::new(),
                span: ByteSpan::new(0, 1).unwrap(),
                checksum: None,
                view: None,
                redact: true,
            })
        })
        .map(|(rule, _)| rule)
        .collect()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn everything_is_wanted_unless_something_is_said() {
        assert_eq!(
            wanted(&Selection::default()),
            ["secrets.a", "secrets.b", "pii.card"]
        );
    }

    #[test]
    fn a_name_is_a_rule_or_a_family_and_exclusion_wins() {
        let selection = Selection {
            only: names(&["secrets"]),
            except: names(&["secrets.b", "secrets.a-longer-name", "secret"]),
            least: None,
        };
        assert_eq!(wanted(&selection), ["secrets.a"]);
    }

    #[test]
    fn severity_is_a_floor() {
        let selection = Selection {
            least: Some(Severity::Medium),
            ..Selection::default()
        };
        assert_eq!(wanted(&selection), ["secrets.a", "pii.card"]);
    }

    #[test]
    fn names_of_no_rule_are_told() {
        let selection = Selection {
            only: names(&["secrets", "secret"]),
            except: names(&["pii.card", "pii.crad"]),
            least: None,
        };
        assert_eq!(
            selection.unknown(&["secrets.a", "pii.card"]),
            ["secret", "pii.crad"]
        );
    }
}
