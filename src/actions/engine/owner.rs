//! Credentials in variables: which names say that they hold one, and whose it is.
//!
//! A token is meant for the service that gave it out. One that goes anywhere else has left.

use std::rc::Rc;

use crate::actions::code;

/// What names of variables say about their owner, and the names of the domains that are its own.
const OWNERS: [(&str, &[&str]); 31] = [
    (
        "GITHUB",
        &["github", "githubusercontent", "githubcopilot", "ghcr"],
    ),
    (
        "GH",
        &["github", "githubusercontent", "githubcopilot", "ghcr"],
    ),
    ("GITLAB", &["gitlab"]),
    ("BITBUCKET", &["bitbucket", "atlassian"]),
    ("AWS", &["amazonaws", "aws"]),
    ("GCP", &["google", "googleapis", "gcr", "pkg"]),
    ("GOOGLE", &["google", "googleapis", "gcr", "pkg"]),
    ("GEMINI", &["google", "googleapis"]),
    (
        "AZURE",
        &[
            "azure",
            "azurecr",
            "microsoft",
            "microsoftonline",
            "windows",
            "visualstudio",
        ],
    ),
    ("OPENAI", &["openai", "chatgpt"]),
    ("ANTHROPIC", &["anthropic", "claude"]),
    ("MISTRAL", &["mistral"]),
    ("GROQ", &["groq"]),
    ("HF", &["huggingface", "hf"]),
    ("HUGGINGFACE", &["huggingface", "hf"]),
    ("HUGGING", &["huggingface", "hf"]),
    ("NPM", &["npmjs"]),
    ("PYPI", &["pypi", "pythonhosted"]),
    ("TWINE", &["pypi", "pythonhosted"]),
    ("DOCKERHUB", &["docker"]),
    ("STRIPE", &["stripe"]),
    ("TWILIO", &["twilio"]),
    ("SENDGRID", &["sendgrid"]),
    ("CLOUDFLARE", &["cloudflare"]),
    ("DIGITALOCEAN", &["digitalocean", "digitaloceanspaces"]),
    ("HEROKU", &["heroku", "herokuapp"]),
    ("VERCEL", &["vercel"]),
    ("NETLIFY", &["netlify"]),
    ("SENTRY", &["sentry"]),
    ("DATADOG", &["datadoghq", "ddog"]),
    ("SLACK", &["slack"]),
];

/// Whose a credential is, seen from a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belongs {
    /// To whom the host belongs.
    Here,
    /// To somebody else.
    Elsewhere,
    /// The name does not say, or the host may be their own all the same.
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
    let host = host.to_ascii_lowercase();
    let mut labels = host.rsplit('.');
    // `co.uk` and its kind have owners' names one further on; asking for those too costs nothing.
    let domain = (labels.next(), labels.next());
    let (Some(_), Some(domain)) = domain else {
        return Belongs::Unclear;
    };
    let mut named = false;
    let mut near = false;
    for part in name.split('_').filter(|part| !part.is_empty()) {
        let part = part.to_ascii_uppercase();
        let owners = OWNERS.iter().filter(|(brand, _)| *brand == part);
        for (brand, domains) in owners {
            named = true;
            if domains.contains(&domain) {
                return Belongs::Here;
            }
            // A server of their kind that somebody else runs: `gitlab.example.com`.
            near |= host.contains(&brand.to_ascii_lowercase())
                || domains.iter().any(|domain| host.contains(domain))
                || (brand.starts_with('G') && host.starts_with("git"));
        }
        if part.len() > 3 && part.eq_ignore_ascii_case(domain) {
            return Belongs::Here;
        }
    }
    if named && !near {
        Belongs::Elsewhere
    } else {
        Belongs::Unclear
    }
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
        // A server of one's own, or nobody knows whose.
        assert_eq!(
            belongs("GITLAB_TOKEN", "gitlab.example.com"),
            Belongs::Unclear
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
