//! Hosts to which data may go: what shapes that carry data out pass over.
//!
//! A secret in an address is told wherever it goes; this is about data that only looks as if it were carried out.

use serde::{Deserialize, Serialize};

use super::spec::AllowSpec;

/// The detectors that look at a host.
pub const DETECTORS: [&str; 4] = ["markdown-image", "markdown-link", "html-image", "dns-label"];

/// Hosts and the detectors that pass over them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// Bit by position in [`DETECTORS`].
    detectors: u8,
    /// One a line, in small letters.
    hosts: Box<str>,
}

impl Allowed {
    /// Checks what was written.
    ///
    /// # Errors
    /// A sentence that says what cannot be used.
    pub fn compile(spec: &AllowSpec) -> Result<Self, String> {
        if spec.hosts.is_empty() {
            return Err(String::from("`hosts` is empty, at least one is needed"));
        }
        if spec.reason.trim().is_empty() {
            return Err(String::from("`reason` is for people and may not be empty"));
        }
        for host in &spec.hosts {
            host_is_sound(host)?;
        }
        let detectors = match &spec.detectors {
            None => DETECTORS.map(String::from).to_vec(),
            Some(named) if named.is_empty() => {
                return Err(String::from(
                    "`detectors` is empty; without it, all of them pass over the hosts",
                ));
            }
            Some(named) => named.clone(),
        };
        if let Some(unknown) = detectors.iter().find(|name| bit_of(name) == 0) {
            return Err(format!(
                "no detector of hosts is named `{unknown}`; expected one of {}",
                DETECTORS.join(", ")
            ));
        }
        let hosts: Vec<String> = spec.hosts.iter().map(|host| host.to_lowercase()).collect();
        Ok(Self {
            detectors: detectors.iter().fold(0, |set, name| set | bit_of(name)),
            hosts: hosts.join("\n").into(),
        })
    }

    /// Whether the detector passes over an authority as it is written in an address.
    ///
    /// A name before `@` or a port that was not allowed with the host makes it another one.
    #[must_use]
    pub fn holds(&self, detector: &str, authority: &[u8]) -> bool {
        self.detectors & bit_of(detector) != 0
            && self
                .hosts
                .split('\n')
                .any(|host| match host.strip_prefix('*') {
                    Some(ending) => authority
                        .split_at_checked(authority.len().saturating_sub(ending.len()))
                        .is_some_and(|(before, end)| {
                            end.eq_ignore_ascii_case(ending.as_bytes())
                                && !before.is_empty()
                                && before.iter().all(|byte| in_name(*byte))
                        }),
                    None => authority.eq_ignore_ascii_case(host.as_bytes()),
                })
    }
}

/// The bit of a detector of hosts; none for another.
fn bit_of(detector: &str) -> u8 {
    let position = DETECTORS.iter().position(|held| *held == detector);
    position.map_or(0, |position| 1 << position)
}

const fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

/// `host.example`, `*.host.example`, each with or without a port; never everything below a top-level domain.
fn host_is_sound(host: &str) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("host `{}` {why}", host.escape_debug()));
    if host.contains("://") || host.contains(['/', '@', '?', '#']) {
        return refuse("is an address, expected a name such as `images.example.org`");
    }
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return refuse("has no port after its `:`");
    }
    let below = name.strip_prefix("*.");
    let name = below.unwrap_or(name);
    let good = name.split('.').all(|label| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| in_name(byte) && byte != b'.')
    });
    if !good {
        return refuse("is no host name; `*.` may stand only before one");
    }
    if below.is_some() && !name.contains('.') {
        return refuse("lets every name below a top-level domain through");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(hosts: &[&str], detectors: Option<&[&str]>) -> Result<Allowed, String> {
        Allowed::compile(&AllowSpec {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            detectors: detectors.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            reason: String::from("ours"),
        })
    }

    #[test]
    fn a_host_is_passed_over_as_it_was_named_and_no_other() {
        let held = allowed(
            &["Images.acme.example", "*.cdn.acme.example", "pics:8443"],
            None,
        )
        .unwrap();
        for (authority, expected) in [
            ("images.acme.example", true),
            ("IMAGES.ACME.EXAMPLE", true),
            ("a.b.cdn.Acme.example", true),
            ("pics:8443", true),
            ("pics", false),
            ("cdn.acme.example", false),
            ("xcdn.acme.example", false),
            ("x@a.cdn.acme.example", false),
            ("images.acme.example:8443", false),
            ("images.acme.example.collect.example", false),
            ("", false),
        ] {
            assert_eq!(
                held.holds("markdown-image", authority.as_bytes()),
                expected,
                "{authority}"
            );
        }
        let images = allowed(&["a.example"], Some(&["html-image"])).unwrap();
        assert!(images.holds("html-image", b"a.example"));
        assert!(!images.holds("markdown-link", b"a.example"));
    }

    #[test]
    fn what_is_no_host_is_refused_with_what_was_given() {
        for host in [
            "https://images.acme.example",
            "images.acme.example/p",
            "*",
            "*.com",
            "a.*.example",
            "",
            "a..b",
            "host:",
            "host:99999",
            "user@host",
            "two words",
        ] {
            let refused = allowed(&[host], None).unwrap_err();
            assert!(refused.contains(&format!("`{host}`")), "{refused}");
        }
        assert!(allowed(&[], None).is_err());
        assert!(allowed(&["a.example"], Some(&[])).is_err());
        let unknown = allowed(&["a.example"], Some(&["bidi"])).unwrap_err();
        assert!(
            unknown.contains("`bidi`") && unknown.contains("dns-label"),
            "{unknown}"
        );
    }
}
