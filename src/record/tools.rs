//! The tools that an agent can see: by server, each with the digest of its definition.

use std::collections::BTreeMap;

use serde::Serialize;

use super::id::digest;
use crate::json::{Value, canonical, to_canonical};

/// More tools are none that anybody could choose among.
const MOST: usize = 10_000;

/// The tools that an agent can see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tools {
    /// How many; `None` where only their servers are known.
    pub count: Option<u64>,
    /// `sha256:…` over the servers.
    pub digest: String,
    /// Sorted by name.
    pub servers: Vec<ToolServer>,
}

/// A server of tools, or the runtime itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ToolServer {
    /// Its name.
    pub name: String,
    /// `sha256:…` over the command that starts it and its arguments.
    pub cmd_digest: Option<String>,
    /// Its tools as far as they are known, sorted by name.
    pub tools: Vec<Tool>,
    /// `stdio`, `http`, `sse`, in the runtime's words.
    pub transport: Option<String>,
    /// Where it is, without names, passwords and queries.
    pub url: Option<String>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// `sha256:…` over `armorer-tool/1\n` and the canonical bytes of its definition.
    pub def_digest: String,
}

/// The digest of a tool's definition, as calls and epochs state it: `sha256:…` over `armorer-tool/1\n` and its canonical
/// bytes.
#[must_use]
pub fn definition_digest(definition: &Value) -> String {
    let mut bytes = b"armorer-tool/1\n".to_vec();
    bytes.extend(canonical(definition));
    digest(&bytes)
}

impl Tools {
    /// The tools of those definitions: objects with a `name`, and the `server` they come from where that is not told by
    /// a name `mcp__SERVER__TOOL`. `runtime` is where the others come from.
    ///
    /// # Errors
    /// A sentence that names the definition by its position.
    pub fn of_definitions(definitions: Vec<Value>, runtime: &str) -> Result<Self, String> {
        if definitions.len() > MOST {
            return Err(format!("there are more than {MOST} tools"));
        }
        let count = definitions.len() as u64;
        let mut servers: BTreeMap<String, Vec<Tool>> = BTreeMap::new();
        for (at, definition) in definitions.into_iter().enumerate() {
            let wrong = |what: &str| format!("tool {at} {what}");
            let Value::Object(mut members) = definition else {
                return Err(wrong("is not an object"));
            };
            let server = members
                .iter()
                .position(|(name, _)| name == "server")
                .map(|at| members.remove(at).1);
            let name = members
                .iter()
                .find(|(name, _)| name == "name")
                .and_then(|(_, value)| value.as_str())
                .filter(|name| !name.is_empty())
                .ok_or_else(|| wrong("has no `name`"))?
                .to_owned();
            let server = match server {
                Some(Value::String(server)) => server,
                Some(_) => return Err(wrong("has a `server` that is no text")),
                None => name
                    .strip_prefix("mcp__")
                    .and_then(|rest| rest.split_once("__"))
                    .map_or(runtime, |(server, _)| server)
                    .to_owned(),
            };
            servers.entry(server).or_default().push(Tool {
                name,
                def_digest: definition_digest(&Value::Object(members)),
            });
        }
        let servers = servers.into_iter().map(|(name, tools)| ToolServer {
            name,
            tools,
            ..ToolServer::default()
        });
        Ok(Self::new(servers.collect(), Some(count)))
    }

    /// The servers that those objects describe, as clients of the Model Context Protocol are configured: by name, each
    /// with `command` and `args`, or `type` and `url`. The first of a name counts. What their tools are is not known.
    #[must_use]
    pub fn of_servers<'a>(described: impl Iterator<Item = &'a Value>) -> Option<Self> {
        let mut servers: BTreeMap<&str, ToolServer> = BTreeMap::new();
        let members = described.filter_map(Value::as_object).flatten();
        for (name, server) in members.take(MOST) {
            if server.as_object().is_none() {
                continue;
            }
            let text = |member: &str| server.get(member).and_then(Value::as_str);
            let url = text("url");
            let command = text("command").map(|command| {
                let args = server.get("args").cloned().unwrap_or(Value::Null);
                let started = Value::Array(vec![Value::from(command), args]);
                digest(&canonical(&started))
            });
            let transport = match (text("type"), &command, url) {
                (Some(named), ..) => Some(named),
                (None, Some(_), _) => Some("stdio"),
                (None, None, Some(_)) => Some("http"),
                (None, None, None) => None,
            };
            servers.entry(name).or_insert_with(|| ToolServer {
                name: name.clone(),
                cmd_digest: command,
                tools: Vec::new(),
                transport: transport.map(str::to_owned),
                url: url.map(bare_url),
            });
        }
        (!servers.is_empty()).then(|| Self::new(servers.into_values().collect(), None))
    }

    fn new(servers: Vec<ToolServer>, count: Option<u64>) -> Self {
        Self {
            count,
            digest: String::new(),
            servers,
        }
        .sealed()
    }

    /// The same with every name as `scrub` leaves it.
    #[must_use]
    pub(crate) fn scrubbed(mut self, scrub: impl Fn(String) -> String) -> Self {
        for server in &mut self.servers {
            server.name = scrub(std::mem::take(&mut server.name));
            server.transport = server.transport.take().map(&scrub);
            server.url = server.url.take().map(&scrub);
            for tool in &mut server.tools {
                tool.name = scrub(std::mem::take(&mut tool.name));
            }
        }
        self.sealed()
    }

    fn sealed(mut self) -> Self {
        for server in &mut self.servers {
            server.tools.sort();
        }
        self.servers.sort();
        self.digest = digest(&to_canonical(&self.servers).unwrap_or_default());
        self
    }

    /// The digest that the line has of it when it is moved to an object.
    pub(super) fn object_digest(&self) -> String {
        digest(&to_canonical(self).unwrap_or_default())
    }
}

/// Scheme, host and path: what else stands in a URL may be a secret.
fn bare_url(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (scheme, rest) = url[..end].split_once("://").unwrap_or(("", &url[..end]));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    match scheme {
        "" => format!("{host}{path}"),
        scheme => format!("{scheme}://{host}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn list(text: &str) -> Vec<Value> {
        let Value::Array(items) = parse(text.as_bytes()).unwrap() else {
            panic!("no list");
        };
        items
    }

    #[test]
    fn tools_stand_by_server_and_their_digest_is_that_of_the_whole_definition() {
        let told = |text: &str| Tools::of_definitions(list(text), "python").unwrap();
        let one = told(
            r#"[{"name":"run","description":"d"},{"name":"mcp__git__log"},{"name":"a","server":"s"}]"#,
        );
        let names: Vec<_> = one.servers.iter().map(|server| &*server.name).collect();
        assert_eq!((names, one.count), (vec!["git", "python", "s"], Some(3)));
        let other = r#"[{"name":"mcp__git__log"},{"server":"s","name":"a"},{"description":"d","name":"run"}]"#;
        assert_eq!(told(other), one);
        assert_ne!(told(&other.replace("\"d\"", "\"e\"")).digest, one.digest);
    }

    #[test]
    fn what_is_no_definition_is_named_by_its_position() {
        for (text, said) in [
            (r#"[{"name":"a"},7]"#, "tool 1 is not an object"),
            (r#"[{"title":"a"}]"#, "tool 0 has no `name`"),
            (
                r#"[{"name":"a","server":1}]"#,
                "tool 0 has a `server` that is no text",
            ),
        ] {
            assert_eq!(Tools::of_definitions(list(text), "x").unwrap_err(), said);
        }
        let many = vec![Value::Null; MOST + 1];
        assert!(Tools::of_definitions(many, "x").is_err());
    }

    #[test]
    fn servers_are_told_without_what_may_be_secret() {
        let described = list(
            r#"[{"b":{"command":"npx","args":["x"],"env":{"K":"v"}},"a":{"type":"sse","url":"https://u:p@x.dev:8/mcp?key=1#2"},"no":7},{"a":{"command":"y"}}]"#,
        );
        let told = Tools::of_servers(described.iter()).unwrap();
        assert_eq!(told.count, None);
        let said: Vec<_> = told
            .servers
            .iter()
            .map(|server| {
                (
                    &*server.name,
                    server.transport.as_deref(),
                    server.url.as_deref(),
                    server.cmd_digest.is_some(),
                )
            })
            .collect();
        assert_eq!(
            said,
            [
                ("a", Some("sse"), Some("https://x.dev:8/mcp"), false),
                ("b", Some("stdio"), None, true)
            ]
        );
        assert_eq!(Tools::of_servers([Value::Null].iter()), None);
    }
}
