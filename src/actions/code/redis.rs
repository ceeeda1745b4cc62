//! Redis commands, one a line.

use super::{CodeEffect, Language, TargetRole, What};
use crate::actions::kinds::ActionKind;
use crate::shell::command::Value;
use crate::span::ByteSpan;

/// Commands that remove keys.
const DELETES: &[&str] = &[
    "DEL", "UNLINK", "GETDEL", "HDEL", "SREM", "ZREM", "LREM", "XDEL", "EXPIRE", "PEXPIRE",
    "XTRIM", "LTRIM",
];

/// Commands that only look.
const READS: &[&str] = &[
    "GET",
    "MGET",
    "KEYS",
    "SCAN",
    "SSCAN",
    "HSCAN",
    "ZSCAN",
    "HGET",
    "HGETALL",
    "HMGET",
    "HKEYS",
    "HVALS",
    "LRANGE",
    "LLEN",
    "SMEMBERS",
    "SCARD",
    "ZRANGE",
    "ZCARD",
    "ZSCORE",
    "XRANGE",
    "XLEN",
    "XREAD",
    "TTL",
    "PTTL",
    "TYPE",
    "EXISTS",
    "STRLEN",
    "GETRANGE",
    "INFO",
    "DBSIZE",
    "PING",
    "ECHO",
    "TIME",
    "MONITOR",
    "SELECT",
    "AUTH",
    "HELLO",
    "QUIT",
    "OBJECT",
    "MEMORY",
    "RANDOMKEY",
    "DUMP",
    "LASTSAVE",
    "COMMAND",
    "SUBSCRIBE",
    "PSUBSCRIBE",
    "SLOWLOG",
    "LATENCY",
    "ROLE",
    "SISMEMBER",
    "HLEN",
    "HEXISTS",
    "LINDEX",
    "BITCOUNT",
    "GETBIT",
    "WAIT",
    "MULTI",
    "EXEC",
    "DISCARD",
    "WATCH",
    "UNWATCH",
    "ASKING",
    "READONLY",
];

/// What the commands would do.
pub(super) fn analyse(text: &str) -> Vec<CodeEffect> {
    let mut effects = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        let offset = start + (line.len() - line.trim_start().len());
        start += line.len();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if let Some(span) = ByteSpan::new(offset, offset + trimmed.len()) {
            let all = command(trimmed, offset).into_iter().chain(called(trimmed));
            effects.extend(all.map(|what| CodeEffect {
                what,
                span,
                certain: true,
            }));
        }
    }
    effects
}

/// The commands that a script on the server calls: `redis.call('DEL', KEYS[1])`.
fn called(line: &str) -> impl Iterator<Item = What> + '_ {
    const MOST: usize = 16;
    line.match_indices("redis.")
        .filter_map(|(at, _)| {
            let rest = &line[at + "redis.".len()..];
            let rest = rest.strip_prefix('p').unwrap_or(rest);
            let (call, _) = rest.strip_prefix("call(")?.split_once(')')?;
            let words: Vec<&str> = call
                .split(',')
                .map(|word| word.trim().trim_matches(['"', '\'']))
                .collect();
            command(&words.join(" "), 0)
        })
        .filter(|what| matches!(what, What::Act { .. }))
        .take(MOST)
}

fn act(kind: ActionKind, target: Option<&str>, attributes: &[&'static str]) -> What {
    What::Act {
        kind,
        target: target.map(|name| Value::Exact(name.trim_matches(['"', '\'']).to_owned())),
        role: TargetRole::Name,
        attributes: attributes.to_vec(),
    }
}

fn command(line: &str, offset: usize) -> Option<What> {
    let mut words = line.split_whitespace();
    let name = words.next()?.to_ascii_uppercase();
    let first = words.next();
    let second = words.next();
    let is = |word: &str| first.is_some_and(|first| first.eq_ignore_ascii_case(word));
    Some(match name.as_str() {
        "FLUSHALL" => act(ActionKind::DbDrop, None, &["all"]),
        "FLUSHDB" => act(ActionKind::DbDrop, None, &["database"]),
        "SHUTDOWN" => act(ActionKind::SystemService, Some("database server"), &[]),
        "CONFIG" if is("SET") => {
            let file = second.is_some_and(|name| {
                ["dir", "dbfilename", "logfile", "appendfilename", "aclfile"]
                    .contains(&name.to_ascii_lowercase().as_str())
            });
            // Where the server writes is what counts.
            let third = words.next();
            let path = third.filter(|path| file && path.starts_with('/'));
            act(
                ActionKind::DbAlter,
                path.or(second),
                if file { &["file"] } else { &[] },
            )
        }
        "CONFIG" if is("REWRITE") => act(ActionKind::DbAlter, None, &["file"]),
        "CONFIG" | "CLIENT" | "CLUSTER" | "PUBSUB" | "LOLWUT" => act(ActionKind::DbRead, None, &[]),
        "MODULE" if is("LOAD") || is("LOADEX") => act(ActionKind::DbAlter, second, &["exec"]),
        "SLAVEOF" | "REPLICAOF" if !is("NO") => act(ActionKind::NetSend, first, &[]),
        "MIGRATE" => act(ActionKind::NetSend, first, &[]),
        "SAVE" | "BGSAVE" | "BGREWRITEAOF" => act(ActionKind::DbWrite, None, &["file"]),
        "ACL" if !is("LIST") && !is("WHOAMI") && !is("CAT") => {
            act(ActionKind::DbAlter, second, &["user"])
        }
        "DEBUG" | "SWAPDB" | "FAILOVER" | "RESTORE" => act(ActionKind::DbAlter, None, &[]),
        "SCRIPT" | "FUNCTION" if is("FLUSH") || is("DELETE") => act(ActionKind::DbDrop, None, &[]),
        "EVAL" | "EVALSHA" => {
            let rest = line[name.len()..].trim_start();
            let quote = rest
                .chars()
                .next()
                .filter(|quote| matches!(quote, '"' | '\''))?;
            let inner = rest[1..].split(quote).next()?;
            What::Code {
                language: Language::Lua,
                text: Value::Exact(inner.to_owned()),
                verbatim_at: Some(offset + line.len() - rest.len() + 1),
            }
        }
        name if DELETES.contains(&name) => act(ActionKind::DbDelete, first, &[]),
        name if READS.contains(&name) => act(ActionKind::DbRead, first, &[]),
        _ => act(ActionKind::DbWrite, first, &[]),
    })
}
