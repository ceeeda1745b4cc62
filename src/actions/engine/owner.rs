//! Credentials in variables: which names say that they hold one, and whose it is.
//!
//! A token is meant for the service that gave it out. One that goes anywhere else has left.

use std::rc::Rc;

use crate::actions::code;
use crate::actions::url;

/// What names of variables say about their owner, and parts of the hosts that belong to it.
const OWNERS: [(&str, &[&str]); 31] = [
    ("GITHUB", &["github", "ghe", "git", "ghcr", "azure"]),
    ("GH", &["github", "ghe", "git", "ghcr", "azure"]),
    ("GITLAB", &["gitlab", "git"]),
    ("BITBUCKET", &["bitbucket", "atlassian", "git"]),
    ("AWS", &["aws"]),
    ("GCP", &["google", "gcr.io", "pkg.dev"]),
    ("GOOGLE", &["google", "gcr.io", "pkg.dev"]),
    ("GEMINI", &["google"]),
    ("AZURE", &["azure", "microsoft", "windows.net", "visualstudio"]),
    ("OPENAI", &["openai"]),
    ("ANTHROPIC", &["anthropic", "claude"]),
    ("MISTRAL", &["mistral"]),
    ("GROQ", &["groq"]),
    ("HF", &["huggingface", "hf.co"]),
    ("HUGGINGFACE", &["huggingface", "hf.co"]),
    ("HUGGING", &["huggingface", "hf.co"]),
    ("NPM", &["npm"]),
    ("PYPI", &["pypi", "pythonhosted"]),
    ("TWINE", &["pypi", "pythonhosted"]),
    ("DOCKERHUB", &["docker"]),
    ("STRIPE", &["stripe"]),
    ("TWILIO", &["twilio"]),
    ("SENDGRID", &["sendgrid"]),
    ("CLOUDFLARE", &["cloudflare"]),
    ("DIGITALOCEAN", &["digitalocean"]),
    ("HEROKU", &["heroku"]),
    ("VERCEL", &["vercel"]),
    ("NETLIFY", &["netlify"]),
    ("SENTRY", &["sentry"]),
    ("DATADOG", &["datadog", "ddog"]),
    ("SLACK", &["slack"]),
];

/// Endings of names for what lies around a credential and is none.
const AROUND: [&str; 10] = [
    "_FILE", "_PATH", "_DIR", "_NAME", "_URL", "_URI", "_HOST", "_TYPE", "_TTL", "_ENDPOINT",
];

/// Whether the name of a variable says that it holds a credential.
#[must_use]
pub fn holds_credential(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    code::is_secret_name(name)
        && (upper.ends_with("DATABASE_URL") || !AROUND.iter().any(|ending| upper.ends_with(ending)))
}

/// Whether the variable's name says whose credential it holds, and the host is not theirs.
#[must_use]
pub fn is_foreign(name: &str, host: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let host = host.to_ascii_lowercase();
    let mut own = OWNERS
        .iter()
        .filter(|(brand, _)| upper.split('_').any(|part| part == *brand))
        .peekable();
    own.peek().is_some() && !host.is_empty() && !own.any(|(_, hosts)| hosts.iter().any(|part| host.contains(part)))
}

/// Whether the known beginning of an address goes beyond the host.
#[must_use]
pub fn names_host(beginning: &str) -> bool {
    let rest = beginning.rsplit_once("://").map_or(beginning, |(_, rest)| rest);
    rest.contains('/')
}

/// Whether the known beginning of an address ends inside of what logs in: `https://user:`.
#[must_use]
pub fn logs_in(beginning: &str) -> bool {
    beginning
        .rsplit_once("://")
        .is_some_and(|(_, rest)| rest.contains(':') && !rest.contains(['/', '@']))
}

/// The host that an address, or the last word of a text, names.
#[must_use]
pub fn host_of(text: &str) -> Option<String> {
    let last = text.rsplit(' ').next()?;
    last.contains("://").then(|| url::classify(last).host)?
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
    fn a_credential_is_foreign_where_its_owner_is_not() {
        assert!(is_foreign("GITHUB_TOKEN", "evil.example"));
        assert!(is_foreign("AWS_SECRET_ACCESS_KEY", "github.com"));
        assert!(!is_foreign("GITHUB_TOKEN", "uploads.github.com"));
        assert!(!is_foreign("GITHUB_TOKEN", ""));
        // Nobody knows whose it is.
        assert!(!is_foreign("API_TOKEN", "evil.example"));
    }

    #[test]
    fn names_say_what_holds_a_credential() {
        let mut found = Vec::new();
        variables("a=$GITHUB_TOKEN&b=${NPM_TOKEN:-x}&c=$TOKEN_FILE&d=${{ secrets.DEPLOY_KEY_TOKEN }}&e=$HOME", &mut found);
        let found: Vec<&str> = found.iter().map(AsRef::as_ref).collect();
        assert_eq!(found, ["GITHUB_TOKEN", "NPM_TOKEN", "DEPLOY_KEY_TOKEN"]);
    }
}
