//! Credentials in variables: which names say that they hold one, and whose it is.
//!
//! A token is meant for the service that gave it out. One that goes anywhere else has left.

use std::rc::Rc;

use crate::actions::code;

/// What names of variables say about their owner, and the domains that are its own.
const OWNERS: [(&str, &[&str]); 31] = [
    ("GITHUB", GITHUB),
    ("GH", GITHUB),
    ("GITLAB", &["gitlab.com"]),
    (
        "BITBUCKET",
        &["bitbucket.org", "atlassian.com", "atlassian.net"],
    ),
    (
        "AWS",
        &[
            "amazonaws.com",
            "amazonaws.com.cn",
            "api.aws",
            "aws.amazon.com",
        ],
    ),
    ("GCP", GOOGLE),
    ("GOOGLE", GOOGLE),
    ("GEMINI", GOOGLE),
    (
        "AZURE",
        &[
            "azure.com",
            "azure.net",
            "azurecr.io",
            "microsoft.com",
            "microsoftonline.com",
            "visualstudio.com",
            "windows.net",
        ],
    ),
    ("OPENAI", &["openai.com", "chatgpt.com"]),
    ("ANTHROPIC", &["anthropic.com", "claude.ai", "claude.com"]),
    ("MISTRAL", &["mistral.ai"]),
    ("GROQ", &["groq.com"]),
    ("HF", HUGGING_FACE),
    ("HUGGINGFACE", HUGGING_FACE),
    ("HUGGING", HUGGING_FACE),
    ("NPM", &["npmjs.com", "npmjs.org"]),
    ("PYPI", PYPI),
    ("TWINE", PYPI),
    ("DOCKERHUB", &["docker.com", "docker.io"]),
    ("STRIPE", &["stripe.com"]),
    ("TWILIO", &["twilio.com"]),
    ("SENDGRID", &["sendgrid.com"]),
    ("CLOUDFLARE", &["cloudflare.com"]),
    (
        "DIGITALOCEAN",
        &["digitalocean.com", "digitaloceanspaces.com"],
    ),
    ("HEROKU", &["heroku.com"]),
    ("VERCEL", &["vercel.com"]),
    ("NETLIFY", &["netlify.com"]),
    ("SENTRY", &["sentry.io"]),
    (
        "DATADOG",
        &["datadoghq.com", "datadoghq.eu", "ddog-gov.com"],
    ),
    ("SLACK", &["slack.com"]),
];

const GITHUB: &[&str] = &[
    "github.com",
    "githubusercontent.com",
    "githubcopilot.com",
    "ghcr.io",
];
const GOOGLE: &[&str] = &["google.com", "googleapis.com", "gcr.io", "pkg.dev"];
const HUGGING_FACE: &[&str] = &["huggingface.co", "hf.co"];
const PYPI: &[&str] = &["pypi.org", "pythonhosted.org"];

/// Whose a credential is, seen from a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belongs {
    /// To whom the host belongs.
    Here,
    /// To somebody else.
    Elsewhere,
    /// The host may be a server that they run themselves.
    Perhaps,
    /// The name does not say.
    Unclear,
}

/// Endings of names for what lies around a credential and is none.
const AROUND: [&str; 10] = [
    "_FILE",
    "_PATH",
    "_DIR",
    "_NAME",
    "_URL",
    "_URI",
    "_HOST",
    "_TYPE",
    "_TTL",
    "_ENDPOINT",
];

/// Whether the name of a variable says that it holds a credential.
#[must_use]
pub fn holds_credential(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    code::is_secret_name(name)
        && (upper.ends_with("DATABASE_URL") || !AROUND.iter().any(|ending| upper.ends_with(ending)))
}

/// Whose the credential in a variable is, by its name.
#[must_use]
pub fn belongs(name: &str, host: &str) -> Belongs {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    // `co.uk` and its kind have owners' names one further on; asking for those too costs nothing.
    let Some(registered) = host.rsplit('.').nth(1) else {
        return Belongs::Unclear;
    };
    let mut named = false;
    let mut near = false;
    for part in name.split('_').filter(|part| !part.is_empty()) {
        let brand = part.to_ascii_lowercase();
        let owners = OWNERS
            .iter()
            .filter(|(held, _)| held.eq_ignore_ascii_case(part));
        for (_, domains) in owners {
            named = true;
            if domains.iter().any(|domain| is_below(&host, domain)) {
                return Belongs::Here;
            }
            near |= is_own_server(&host, &brand, domains);
        }
        if part.len() > 3 && brand == registered {
            return if named {
                Belongs::Elsewhere
            } else {
                Belongs::Here
            };
        }
    }
    match (named, near) {
        (true, true) => Belongs::Perhaps,
        (true, false) => Belongs::Elsewhere,
        (false, _) => Belongs::Unclear,
    }
}

/// Whether a host is a domain, or one of its.
fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether a host may be a server of that kind that somebody runs for himself: `gitlab.example.com`. One that puts the
/// owner's whole domain before its own only wants to look like it.
fn is_own_server(host: &str, brand: &str, domains: &[&str]) -> bool {
    let labels = host.split('.').count();
    let first = host.split('.').next().unwrap_or_default();
    let kind = first.starts_with(brand) || (brand.starts_with('g') && first.starts_with("git"));
    let posing = domains
        .iter()
        .any(|domain| format!(".{host}").contains(&format!(".{domain}.")));
    labels > 2 && kind && !posing
}

/// Where an address begins to say who is asked, and what: behind `://`.
fn beyond_scheme(address: &str) -> Option<&str> {
    address.split_once("://").map(|(_, rest)| rest)
}

/// Whether the known beginning of an address goes beyond the host.
#[must_use]
pub fn names_host(beginning: &str) -> bool {
    beyond_scheme(beginning).unwrap_or(beginning).contains('/')
}

/// Whether an address, or its known beginning, holds what logs in: `https://user:`, `https://user:token@host`.
#[must_use]
pub fn logs_in(address: &str) -> bool {
    let authority = beyond_scheme(address).and_then(|rest| rest.split('/').next());
    authority.is_some_and(|text| text.contains('@') || (text.contains(':') && !names_host(address)))
}

/// The address among the words of a text.
#[must_use]
pub fn address_of(text: &str) -> Option<&str> {
    text.split(' ').find(|word| word.contains("://"))
}

/// The names of variables in shell text that hold credentials, each once.
pub fn variables(text: &str, into: &mut Vec<Rc<str>>) {
    for (at, _) in text.match_indices('$') {
        let rest = text[at + 1..].trim_start_matches(['{', '!']);
        // `${{ secrets.NAME }}`
        let rest = rest.trim_start();
        let rest = ["secrets.", "env."]
            .iter()
            .find_map(|prefix| rest.strip_prefix(prefix))
            .unwrap_or(rest);
        let end = rest
            .find(|character: char| character != '_' && !character.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let name = &rest[..end];
        if holds_credential(name) {
            crate::actions::word::add(into, &Rc::from(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_belongs_to_its_owner() {
        assert_eq!(belongs("GITHUB_TOKEN", "evil.example"), Belongs::Elsewhere);
        assert_eq!(
            belongs("AWS_SECRET_ACCESS_KEY", "github.com"),
            Belongs::Elsewhere
        );
        assert_eq!(belongs("GITHUB_TOKEN", "uploads.github.com"), Belongs::Here);
        assert_eq!(belongs("TELEGRAM_TOKEN", "api.telegram.org"), Belongs::Here);
        assert_eq!(belongs("GITHUB_TOKEN", "api.github.com."), Belongs::Here);
        // What only looks like the owner.
        for host in [
            "evilgithub.com",
            "github.com.evil.example",
            "api.github.com.evil.example",
            "github-api.example",
            "github.example",
            "notgithub.com",
        ] {
            assert_eq!(belongs("GITHUB_TOKEN", host), Belongs::Elsewhere, "{host}");
        }
        // A server of their own, or nobody knows whose.
        assert_eq!(
            belongs("GITHUB_TOKEN", "github.company.example"),
            Belongs::Perhaps
        );
        assert_eq!(
            belongs("GITLAB_TOKEN", "gitlab.example.com"),
            Belongs::Perhaps
        );
        assert_eq!(belongs("API_TOKEN", "evil.example"), Belongs::Unclear);
        assert_eq!(belongs("GITHUB_TOKEN", ""), Belongs::Unclear);
    }

    #[test]
    fn names_say_what_holds_a_credential() {
        let mut found = Vec::new();
        variables(
            "a=$GITHUB_TOKEN&b=${NPM_TOKEN:-x}&c=$TOKEN_FILE&d=${{ secrets.DEPLOY_KEY_TOKEN }}&e=$HOME",
            &mut found,
        );
        let found: Vec<&str> = found.iter().map(AsRef::as_ref).collect();
        assert_eq!(found, ["GITHUB_TOKEN", "NPM_TOKEN", "DEPLOY_KEY_TOKEN"]);
    }
}
