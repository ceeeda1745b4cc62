//! Functions that send requests and connect.

use super::{origin_attributes, origin_of};
use crate::actions::code::TargetRole;
use crate::actions::code::value::{Kind, Origin, Val, concat};
use crate::actions::code::walk::{Args, Walker};
use crate::actions::kinds::ActionKind;
use crate::actions::url;
use crate::shell::command::{Value, Why};
use crate::span::ByteSpan;

impl Walker<'_> {
    pub(super) fn request(
        &mut self,
        name: &str,
        url: Option<&Val>,
        method: Option<&Val>,
        sends: bool,
        args: &Args,
        span: Option<ByteSpan>,
    ) -> Val {
        let option = args.option(&["url", "uri", "URL"]);
        let parts = args.option(&["hostname", "host"]).map(|host| {
            let path = args
                .option(&["path"])
                .map_or_else(|| Value::Exact(String::new()), Val::as_value);
            let scheme = if name.starts_with("https") {
                "https://"
            } else {
                "http://"
            };
            let host = concat(Value::Exact(scheme.to_owned()), &host.as_value());
            Val::value(concat(host, &path))
        });
        let object = url.and_then(|url| match &url.kind {
            Kind::Object("request", held) => Some(held.clone()),
            Kind::Map(_) => None,
            _ => Some(vec![url.clone()]),
        });
        let data_in_request = object.as_ref().is_some_and(|held| held.len() > 1);
        let url = object
            .and_then(|held| held.into_iter().next())
            .or_else(|| option.cloned())
            .or(parts)
            .unwrap_or_else(|| Val::opaque("url"));
        let target = url.as_value();
        let known = match &target {
            Value::Exact(text) | Value::Prefix(text, _) => text.clone(),
            _ => String::new(),
        };
        let mut attributes: Vec<&'static str> = if known.is_empty() {
            Vec::new()
        } else {
            url::classify(&known).attributes
        };
        let method = method
            .or_else(|| args.option(&["method", "type"]))
            .and_then(Val::exact)
            .unwrap_or("")
            .to_ascii_uppercase();
        let writes = sends || matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE");
        let body = args.option(&[
            "data", "json", "files", "body", "content", "form", "params", "headers",
        ]);
        let carries = writes
            || data_in_request
            || args
                .option(&["data", "json", "files", "body", "content", "form"])
                .is_some();
        if writes {
            attributes.push("method_write");
        }
        if args.option(&["files"]).is_some() {
            attributes.push("upload");
        }
        let insecure = args.option(&["verify", "rejectUnauthorized", "ssl"]).is_some_and(|value| matches!(&value.kind, Kind::Name(name) if matches!(name.as_str(), "False" | "false")));
        if insecure {
            attributes.push("tls_off");
        }
        let origin = args
            .origin()
            .join(url.origin.clone())
            .join(body.map_or(Origin::Code, origin_of));
        let flows = origin_attributes(&origin);
        let sends_data = carries || !flows.is_empty();
        attributes.extend(flows);
        if matches!(origin, Origin::Environment) {
            self.reads_environment(span);
        }
        if attributes.contains(&"file_scheme") {
            let path = url::classify(&known).path;
            self.act(
                ActionKind::FsRead,
                Some(Value::Exact(path)),
                TargetRole::Path,
                vec![],
                span,
            );
        }
        let kind = if sends_data {
            ActionKind::NetSend
        } else {
            ActionKind::NetFetch
        };
        self.act(
            kind,
            Some(target.clone()),
            TargetRole::Url,
            attributes,
            span,
        );
        Val {
            kind: Kind::Object("response", Vec::new()),
            origin: Origin::Downloaded(target),
        }
    }

    pub(super) fn connect(&mut self, index: usize, args: &Args, span: Option<ByteSpan>) -> Val {
        let named = args.option(&["PeerAddr", "PeerHost", "host", "hostname", "address"]);
        // In Perl a comma is as good as an arrow: `PeerAddr, "host:port"`.
        let index = args
            .pos
            .iter()
            .position(|held| {
                let name = match &held.kind {
                    Kind::Name(name) => Some(name.as_str()),
                    _ => held.exact(),
                };
                matches!(name, Some("PeerAddr" | "PeerHost"))
            })
            .map_or(index, |at| at + 1);
        let port = args.option(&["PeerPort", "port"]);
        let target = match (named, args.pos.get(index)) {
            (Some(host), _) => {
                let port = port
                    .map(Val::as_value)
                    .and_then(|port| port.exact().map(str::to_owned));
                match (host.exact(), port) {
                    (Some(host), Some(port)) => Value::Exact(format!("{host}:{port}")),
                    _ => host.as_value(),
                }
            }
            (None, Some(first)) => match host_port(first) {
                // `connect(4444, "host")`
                Some(port) if matches!(first.kind, Kind::Number(_)) => {
                    let host = args
                        .pos
                        .get(index + 1)
                        .and_then(Val::exact)
                        .unwrap_or("127.0.0.1");
                    Value::Exact(format!("{host}:{port}"))
                }
                Some(host) => match args.pos.get(index + 1).map(|port| &port.kind) {
                    Some(Kind::Number(port)) if !host.contains(':') => {
                        Value::Exact(format!("{host}:{port}"))
                    }
                    _ => Value::Exact(host),
                },
                None => first.as_value(),
            },
            (None, None) => Value::Unknown(Why::RunTimeValue(String::from("host"))),
        };
        let mut attributes = Vec::new();
        if let Value::Exact(host) = &target {
            attributes = url::classify(host).attributes;
            attributes.retain(|attribute| *attribute != "plain_http");
        }
        self.act(
            ActionKind::NetFetch,
            Some(target.clone()),
            TargetRole::Host,
            attributes,
            span,
        );
        if let Some(span) = span {
            self.connections.push((target.clone(), span));
        }
        Val {
            kind: Kind::Object("connection", Vec::new()),
            origin: Origin::Downloaded(target),
        }
    }
}

/// `host`, `host:port`, `(host, port)`, a port.
pub(super) fn host_port(value: &Val) -> Option<String> {
    match &value.kind {
        Kind::Text(Value::Exact(text), _) => {
            Some(text.rsplit("://").next().unwrap_or(text).to_owned())
        }
        Kind::Number(port) => Some(port.to_string()),
        Kind::List(items) => {
            let host = items.first()?.exact()?;
            match items.get(1).map(|port| &port.kind) {
                Some(Kind::Number(port)) => Some(format!("{host}:{port}")),
                _ => Some(host.to_owned()),
            }
        }
        Kind::Object("address", held) => {
            let host = held.iter().find_map(Val::exact)?;
            match held.first().map(|port| &port.kind) {
                Some(Kind::Number(port)) => Some(format!("{host}:{port}")),
                _ => Some(host.to_owned()),
            }
        }
        Kind::Object("host", held) => held.first()?.exact().map(str::to_owned),
        _ => None,
    }
}
