//! What a URL says about where a request goes: scheme, host in one normal form, and whether that place is special.
//!
//! Reads URLs as the most lenient client does (WHATWG rules, and `curl`'s guess of a missing scheme), because a guard
//! must see the host that would be reached and not the one that a person would read. Resolves no names.

use std::net::{Ipv4Addr, Ipv6Addr};

/// What a URL says. All of it is a function of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UrlFacts {
    /// Lower case, without the colon; empty when the text names none.
    pub scheme: String,
    /// Lower case, percent and IDNA decoded, without brackets and trailing dot; IPv4 in dotted decimal whatever it was
    /// written in. `None` when there is no host.
    pub host: Option<String>,
    /// The port as written, or the scheme's own.
    pub port: Option<u16>,
    /// From the first slash on, without query and fragment; for `file:` the path of the file.
    pub path: String,
    /// `metadata`, `loopback`, `private_host`, `raw_ip`, `plain_http`, `file_scheme`, `userinfo`, and `foreign_scheme`
    /// for schemes that let one protocol speak another (`gopher`, `dict`, …). Sorted.
    pub attributes: Vec<&'static str>,
    /// Whether something stands before an `@` of the authority.
    pub userinfo: bool,
}

impl UrlFacts {
    /// Whether the URL carries that attribute.
    #[must_use]
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.contains(&attribute)
    }
}

/// Longer texts are cut: no client takes them.
const MAX_URL_BYTES: usize = 64 * 1024;

/// Schemes by which a URL makes its client speak to services that are not meant to be spoken to.
const FOREIGN_SCHEMES: &[&str] = &[
    "gopher", "dict", "ldap", "ldaps", "tftp", "jar", "netdoc", "expect", "phar", "php", "telnet",
    "smb", "imap", "pop3", "smtp", "rtsp", "ldapi",
];

/// Schemes whose authority follows even when the slashes are missing or turned around.
const WEB_SCHEMES: &[&str] = &["http", "https", "ws", "wss", "ftp", "ftps"];

/// Names under which clouds answer with credentials of the machine: each cloud's documentation of its instance
/// metadata.
const METADATA_NAMES: &[&str] = &[
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
    "metadata.azure.com",
    "metadata.tencentyun.com",
    "metadata.platformequinix.com",
    "metadata.packet.net",
    "instance-data",
    "instance-data.ec2.internal",
    "rancher-metadata",
    "metadata.oraclecloud.com",
];

/// IPv4 addresses with the same meaning: AWS, GCP, Azure, DigitalOcean and kin; ECS and EKS tasks; Alibaba; Oracle's
/// classic; Azure's wire server; Scaleway; Tencent.
const METADATA_V4: &[[u8; 4]] = &[
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [169, 254, 170, 23],
    [169, 254, 169, 253],
    [169, 254, 169, 250],
    [100, 100, 100, 200],
    [192, 0, 0, 192],
    [168, 63, 129, 16],
    [169, 254, 42, 42],
    [169, 254, 0, 23],
];

/// Domains that resolve to an address in the name itself.
const ADDRESS_DOMAINS: &[&str] = &[
    ".nip.io",
    ".sslip.io",
    ".xip.io",
    ".traefik.me",
    ".1u.ms",
    ".backname.io",
];

/// Domains that resolve to the local machine, whatever stands before them.
const LOOPBACK_DOMAINS: &[&str] = &[
    "localhost",
    "localtest.me",
    "lvh.me",
    "vcap.me",
    "lacolhost.com",
    "yoogle.com",
    "localhost.localdomain",
    "localhost6",
    "ip6-localhost",
    "ip6-loopback",
    "host.docker.internal",
    "kubernetes.docker.internal",
    "gateway.docker.internal",
];

/// Endings that no public name has.
const PRIVATE_ENDINGS: &[&str] = &[
    ".internal",
    ".local",
    ".lan",
    ".corp",
    ".intranet",
    ".home.arpa",
    ".home",
    ".private",
    ".localdomain",
    ".svc",
    ".consul",
    ".test",
];

/// Reads a URL. Total: any text has an answer.
#[must_use]
pub fn classify(url: &str) -> UrlFacts {
    let mut end = url.len().min(MAX_URL_BYTES);
    while !url.is_char_boundary(end) {
        end -= 1;
    }
    // Clients drop tabs and line ends wherever they stand, and blanks and controls at both ends.
    let text: String = url[..end]
        .trim_matches(|character: char| character.is_whitespace() || character.is_control())
        .chars()
        .filter(|character| !matches!(character, '\t' | '\n' | '\r'))
        .collect();
    let (scheme, rest) = split_scheme(&text);
    let mut facts = UrlFacts {
        scheme: scheme.clone(),
        ..UrlFacts::default()
    };
    if matches!(
        scheme.as_str(),
        "jar" | "view-source" | "url" | "feed" | "blob"
    ) && rest.contains(':')
    {
        let mut inner = classify_inner(rest);
        if scheme == "jar" {
            inner.attributes.push("foreign_scheme");
        }
        inner.attributes.sort_unstable();
        inner.attributes.dedup();
        inner.scheme = scheme;
        return inner;
    }
    fill(&mut facts, rest);
    facts
}

/// A URL inside of another one; what is inside of that is not looked at.
fn classify_inner(text: &str) -> UrlFacts {
    let (scheme, rest) = split_scheme(text);
    let mut facts = UrlFacts {
        scheme,
        ..UrlFacts::default()
    };
    fill(&mut facts, rest);
    facts
}

fn fill(facts: &mut UrlFacts, rest: &str) {
    let web = facts.scheme.is_empty() || WEB_SCHEMES.contains(&facts.scheme.as_str());
    let slash = |character: char| {
        character == '/' || (character == '\\' && (web || facts.scheme == "file"))
    };
    let after_slashes = rest.trim_start_matches(slash);
    let slashes = rest.len() - after_slashes.len();
    let file = facts.scheme == "file";
    // `file:///etc` has no host, `file://host/x` has; the web schemes take any number of slashes.
    let (authority, path) = if file && slashes != 2 {
        ("", &rest[slashes.saturating_sub(1)..])
    } else if slashes >= 2 || web {
        let end = after_slashes
            .find(|character| slash(character) || matches!(character, '?' | '#'))
            .unwrap_or(after_slashes.len());
        after_slashes.split_at(end)
    } else {
        ("", rest)
    };
    let path_end = if file {
        path.len()
    } else {
        path.find(['?', '#']).unwrap_or(path.len())
    };
    facts.path = if file {
        decoded_text(&path[..path_end])
    } else {
        path[..path_end].to_owned()
    };
    let (userinfo, host_port) = match authority.rsplit_once('@') {
        Some((_, host_port)) => (true, host_port),
        None => (false, authority),
    };
    facts.userinfo = userinfo;
    let (host, port) = split_port(host_port);
    facts.port = port.or(match facts.scheme.as_str() {
        "" | "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "ftp" => Some(21),
        _ => None,
    });
    if authority.is_empty() {
        facts.port = None;
    }
    let host = normal_host(host);
    let mut attributes = Vec::new();
    if let Some(host) = &host {
        host_attributes(host, &mut attributes);
    }
    if userinfo {
        attributes.push("userinfo");
    }
    if host.is_some() && matches!(facts.scheme.as_str(), "" | "http" | "ws" | "ftp") {
        attributes.push("plain_http");
    }
    if file {
        attributes.push("file_scheme");
    }
    if FOREIGN_SCHEMES.contains(&facts.scheme.as_str()) {
        attributes.push("foreign_scheme");
    }
    attributes.sort_unstable();
    attributes.dedup();
    facts.attributes = attributes;
    facts.host = host;
}

/// `host:8080/x` has no scheme, `mailto:x` has: what follows the colon of a host begins with a digit.
fn split_scheme(text: &str) -> (String, &str) {
    let Some(colon) = text.find(':') else {
        return (String::new(), text);
    };
    let scheme = &text[..colon];
    let rest = &text[colon + 1..];
    let formed = scheme
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let known = rest.starts_with(['/', '\\'])
        || WEB_SCHEMES.contains(&scheme.to_ascii_lowercase().as_str())
        || matches!(
            scheme.to_ascii_lowercase().as_str(),
            "file" | "data" | "mailto" | "javascript" | "jar" | "view-source"
        );
    if formed && known {
        (scheme.to_ascii_lowercase(), rest)
    } else {
        (String::new(), text)
    }
}

fn split_port(text: &str) -> (&str, Option<u16>) {
    if let Some(close) = text.rfind(']') {
        let port = text[close + 1..]
            .strip_prefix(':')
            .and_then(|port| port.parse().ok());
        return (&text[..=close], port);
    }
    match text.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.contains(':') =>
        {
            (host, port.parse().ok())
        }
        _ => (text, None),
    }
}

fn decoded_text(text: &str) -> String {
    String::from_utf8_lossy(&percent_decode(text)).into_owned()
}

/// Bytes with every `%` and two hexadecimal digits as the byte they name.
pub fn percent_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match pair {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// The host as a client resolves it. `None` when it is empty.
fn normal_host(text: &str) -> Option<String> {
    let decoded = decoded_text(text);
    let folded: String = decoded
        .chars()
        .filter_map(fold)
        .flat_map(char::to_lowercase)
        .collect();
    let mut host = folded.trim();
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').unwrap_or(inner);
        let address = inner.split('%').next().unwrap_or(inner);
        return Some(match address.parse::<Ipv6Addr>() {
            Ok(parsed) => parsed.to_string(),
            Err(_) => inner.to_owned(),
        });
    }
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return Some(address.to_string());
    }
    host = host.trim_end_matches('.');
    if host.is_empty() {
        return None;
    }
    if let Some(address) = ipv4(host) {
        return Some(address.to_string());
    }
    if !host.contains("xn--") {
        return Some(host.to_owned());
    }
    let labels: Vec<String> = host
        .split('.')
        .map(|label| {
            label
                .strip_prefix("xn--")
                .and_then(punycode)
                .unwrap_or_else(|| label.to_owned())
        })
        .collect();
    Some(labels.join("."))
}

/// Compatibility forms that IDNA maps to ASCII, and characters that it drops.
fn fold(character: char) -> Option<char> {
    let code = u32::from(character);
    Some(match code {
        0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0)?,
        0x3002 | 0xFF61 | 0x2024 => '.',
        0x2460..=0x2468 => char::from_u32(code - 0x2460 + 0x31)?,
        0x24EA => '0',
        0x24B6..=0x24CF => char::from_u32(code - 0x24B6 + 0x61)?,
        0x24D0..=0x24E9 => char::from_u32(code - 0x24D0 + 0x61)?,
        0x00B2 | 0x00B3 => char::from_u32(code - 0x00B0 + 0x30)?,
        0x00B9 => '1',
        0x2070 | 0x2074..=0x2079 => char::from_u32(code - 0x2070 + 0x30)?,
        0x2080..=0x2089 => char::from_u32(code - 0x2080 + 0x30)?,
        0x1D7CE..=0x1D7FF => char::from_u32((code - 0x1D7CE) % 10 + 0x30)?,
        0x1D400..=0x1D433 => char::from_u32((code - 0x1D400) % 26 + 0x61)?,
        0x00AD | 0x200B..=0x200D | 0x2060 | 0xFEFF | 0xFE00..=0xFE0F => return None,
        _ => character,
    })
}

/// An IPv4 address in any of the forms that `inet_aton` takes: one to four parts, decimal, octal or hexadecimal.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = host.split('.').collect();
    if parts.len() > 4 {
        return None;
    }
    let mut numbers = Vec::with_capacity(4);
    for part in &parts {
        let number = if let Some(digits) = part.strip_prefix("0x") {
            if digits.is_empty() {
                0
            } else {
                u64::from_str_radix(digits, 16).ok()?
            }
        } else if part.len() > 1 && part.starts_with('0') {
            u64::from_str_radix(part, 8)
                .or_else(|_| part.parse())
                .ok()?
        } else {
            part.parse().ok()?
        };
        numbers.push(number);
    }
    let last = numbers.pop()?;
    if numbers.iter().any(|number| *number > 255) {
        return None;
    }
    let last_bits = 8 * (4 - numbers.len());
    if last >> last_bits != 0 {
        return None;
    }
    let mut address = last;
    for (index, number) in numbers.iter().enumerate() {
        address |= number << (24 - 8 * index);
    }
    u32::try_from(address).ok().map(Ipv4Addr::from)
}

/// Decodes a Punycode label (RFC 3492, section 6.2).
fn punycode(label: &str) -> Option<String> {
    let (basic, extended) = label.rsplit_once('-').unwrap_or(("", label));
    if label.len() > 63 {
        return None;
    }
    let mut out: Vec<char> = basic.chars().collect();
    let (mut code, mut index, mut bias) = (128u32, 0u32, 72u32);
    let mut digits = extended.bytes();
    while digits.len() > 0 {
        let old = index;
        let mut weight = 1u32;
        let mut position = 36u32;
        loop {
            let digit = match digits.next()? {
                byte @ b'a'..=b'z' => u32::from(byte - b'a'),
                byte @ b'0'..=b'9' => u32::from(byte - b'0') + 26,
                _ => return None,
            };
            index = index.checked_add(digit.checked_mul(weight)?)?;
            let threshold = position.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(36 - threshold)?;
            position += 36;
        }
        let length = u32::try_from(out.len()).ok()? + 1;
        let mut delta = if old == 0 {
            (index - old) / 700
        } else {
            (index - old) / 2
        };
        delta += delta / length;
        bias = 0;
        while delta > 455 {
            delta /= 35;
            bias += 36;
        }
        bias += 36 * delta / (delta + 38);
        code = code.checked_add(index / length)?;
        index %= length;
        out.insert(usize::try_from(index).ok()?, char::from_u32(code)?);
        index += 1;
    }
    Some(out.into_iter().collect())
}

fn host_attributes(host: &str, attributes: &mut Vec<&'static str>) {
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        attributes.push("raw_ip");
        v4_attributes(address, attributes);
        return;
    }
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        attributes.push("raw_ip");
        v6_attributes(address, attributes);
        return;
    }
    if METADATA_NAMES.contains(&host) {
        attributes.push("metadata");
    }
    let below = |domain: &str| {
        host.strip_suffix(domain)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    if LOOPBACK_DOMAINS.iter().any(|domain| below(domain)) {
        attributes.push("loopback");
        return;
    }
    if let Some(before) = ADDRESS_DOMAINS
        .iter()
        .find_map(|domain| host.strip_suffix(domain))
    {
        if let Some(address) = embedded_address(before) {
            v4_attributes(address, attributes);
        }
        return;
    }
    // A name without a dot is found only on the local network.
    if !host.contains('.') || PRIVATE_ENDINGS.iter().any(|ending| host.ends_with(ending)) {
        attributes.push("private_host");
    }
}

/// `10.0.0.1`, `app-10-0-0-1`, `7f000001`: the address in front of `nip.io` and its kind.
fn embedded_address(before: &str) -> Option<Ipv4Addr> {
    let label = before.rsplit('.').next()?;
    let hexadecimal = label.rsplit('-').next()?;
    if hexadecimal.len() == 8
        && let Ok(number) = u32::from_str_radix(hexadecimal, 16)
    {
        return Some(Ipv4Addr::from(number));
    }
    let parts: Vec<&str> = before.split(['.', '-']).collect();
    let last = parts.get(parts.len().checked_sub(4)?..)?;
    ipv4(&last.join("."))
}

fn v4_attributes(address: Ipv4Addr, attributes: &mut Vec<&'static str>) {
    let octets = address.octets();
    if METADATA_V4.contains(&octets) {
        attributes.push("metadata");
    }
    let shared = octets[0] == 100 && octets[1] & 0xC0 == 64;
    if address.is_loopback() || octets[0] == 0 {
        attributes.push("loopback");
    } else if address.is_private() || address.is_link_local() || shared {
        attributes.push("private_host");
    }
}

fn v6_attributes(address: Ipv6Addr, attributes: &mut Vec<&'static str>) {
    let segments = address.segments();
    let embedded = match segments {
        // Mapped, compatible, translated (RFC 6052, RFC 2765) and 6to4 forms carry an IPv4 address.
        [0, 0, 0, 0, 0, 0xFFFF | 0, high, low]
        | [0x64, 0xFF9B, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xFFFF, 0, high, low]
            if high != 0 =>
        {
            Some((high, low))
        }
        [0x2002, high, low, ..] => Some((high, low)),
        _ => None,
    };
    if let Some((high, low)) = embedded {
        v4_attributes(
            Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)),
            attributes,
        );
        return;
    }
    // AWS (IMDS, ECS) and GCP over IPv6.
    if matches!(
        segments,
        [0xFD00, 0xEC2, 0, 0, 0, 0, 0, 0x254 | 0x23 | 0x253 | 0x250]
            | [0xFD20, 0xCE, 0, 0, 0, 0, 0, 0x254]
    ) {
        attributes.push("metadata");
    }
    if address.is_loopback() || address.is_unspecified() {
        attributes.push("loopback");
    } else if segments[0] & 0xFE00 == 0xFC00 || segments[0] & 0xFFC0 == 0xFE80 {
        attributes.push("private_host");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(url: &str) -> (String, Option<String>, Vec<&'static str>) {
        let facts = classify(url);
        (facts.scheme, facts.host, facts.attributes)
    }

    #[test]
    fn the_metadata_address_is_seen_in_every_spelling() {
        for host in [
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "0xA9.0xFE.0xA9.0xFE",
            "0251.0376.0251.0376",
            "169.254.43518",
            "%31%36%39.254.169.254",
            "１６９。254.169.254",
            "①⑥⑨.254.169.254",
            "169.254.169.254.",
        ] {
            assert_eq!(
                facts(&format!("http://{host}/latest/meta-data/")),
                (
                    String::from("http"),
                    Some(String::from("169.254.169.254")),
                    vec!["metadata", "plain_http", "private_host", "raw_ip"]
                ),
                "{host}"
            );
        }
        for host in [
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[64:ff9b::a9fe:a9fe]",
            "[fd00:ec2::254]",
        ] {
            assert!(
                classify(&format!("http://{host}/")).has("metadata"),
                "{host}"
            );
        }
        for name in [
            "metadata.google.internal",
            "METADATA.google.internal.",
            "instance-data",
        ] {
            assert!(
                classify(&format!("http://{name}/")).has("metadata"),
                "{name}"
            );
        }
        assert!(classify("http://a-169-254-169-254.nip.io/").has("metadata"));
        assert!(classify("169.254.169.254/latest").has("metadata"));
    }

    #[test]
    fn the_host_is_the_one_that_would_be_reached() {
        for (url, host) in [
            ("http://good.example@evil.example/", "evil.example"),
            ("http://good.example:x@evil.example:80/", "evil.example"),
            ("http:\\\\evil.example\\@good.example", "evil.example"),
            ("http:/evil.example/x", "evil.example"),
            ("https:evil.example", "evil.example"),
            ("//evil.example/x", "evil.example"),
            ("ht\ntp://ev\til.example/", "evil.example"),
            ("http://evil.example#@good.example/", "evil.example"),
            ("http://evil.example?@good.example/", "evil.example"),
            ("https://xn--bcher-kva.example/", "bücher.example"),
            ("evil.example:8080/x", "evil.example"),
        ] {
            assert_eq!(classify(url).host.as_deref(), Some(host), "{url}");
        }
    }

    #[test]
    fn private_and_local_places_are_told_from_public_ones() {
        for (url, attribute) in [
            ("http://127.1/", Some("loopback")),
            ("http://0/", Some("loopback")),
            ("http://[::1]:80/", Some("loopback")),
            ("http://[::]/", Some("loopback")),
            ("http://foo.localhost/", Some("loopback")),
            ("http://127.0.0.1.nip.io/", Some("loopback")),
            ("http://7f000001.nip.io/", Some("loopback")),
            ("http://10.1.2.3/", Some("private_host")),
            ("http://172.31.0.1/", Some("private_host")),
            ("http://[fe80::1%25eth0]/", Some("private_host")),
            ("http://[fd12::1]/", Some("private_host")),
            ("http://es:9200/_all", Some("private_host")),
            ("http://db.prod.svc.cluster.local/", Some("private_host")),
            ("http://172.32.0.1/", None),
            ("https://example.com/", None),
            ("https://localhost.example.com/", None),
            ("https://10.example.com/", None),
        ] {
            let found = classify(url)
                .attributes
                .into_iter()
                .find(|attribute| matches!(*attribute, "loopback" | "private_host" | "metadata"));
            assert_eq!(found, attribute, "{url}");
        }
    }

    #[test]
    fn schemes_are_told() {
        assert_eq!(
            classify("file:///etc/pass%77d"),
            UrlFacts {
                scheme: String::from("file"),
                path: String::from("/etc/passwd"),
                attributes: vec!["file_scheme"],
                ..UrlFacts::default()
            }
        );
        assert_eq!(
            facts("gopher://127.0.0.1:6379/_FLUSHALL"),
            (
                String::from("gopher"),
                Some(String::from("127.0.0.1")),
                vec!["foreign_scheme", "loopback", "raw_ip"]
            )
        );
        assert_eq!(
            facts("https://api.example.com/v1?x=http://10.0.0.1/"),
            (
                String::from("https"),
                Some(String::from("api.example.com")),
                vec![]
            )
        );
        assert_eq!(classify("mailto:a@b.example").host, None);
    }

    #[test]
    fn any_text_has_an_answer() {
        for text in [
            "",
            ":",
            "://",
            "http://",
            "http://[",
            "http://@",
            "%",
            "[]",
            "http://%zz/",
            "0x",
            "\u{0}",
            "a:b:c",
            "é:é",
        ] {
            let _ = classify(text);
        }
    }
}
