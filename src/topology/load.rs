//! From text to tables, and from the TOML reader's complaints to one line that says what to write instead.

use super::endpoints;
use super::microsoft::MicrosoftPrefix;
use super::network::Tables;
use super::words::nearest;
use crate::error::Error;

/// One line of a file for each key that a fault may be about.
const EXAMPLES: [(&str, &str); 38] = [
    ("add", "add = [{ cidr = \"52.112.0.0/14\", roles = [\"sig\", \"mp\"] }]"),
    ("advertised", "advertised = [\"internet\"]"),
    ("as_of", "as_of = \"2026-06-06\""),
    ("baseline", "baseline = { ttl = 52, rtt_ms = 14, remote = \"52.112.0.0/14\" }"),
    ("cidr", "cidr = \"10.0.0.0/8\""),
    ("cloud", "cloud = \"worldwide\""),
    ("domains", "domains = [\"contoso.com\"]"),
    ("emergency", "emergency = [\"112\", \"911\"]"),
    ("ends", "ends = [\"198.51.100.9\", \"203.0.113.77\"]"),
    ("express_route", "express_route = true"),
    ("failover_codes", "failover_codes = [408, 503, 504]"),
    ("file", "file = [\"er-tap*.pcapng\"]"),
    ("fqdn", "fqdn = \"sbc.contoso.com\""),
    ("id", "id = \"a-name\""),
    ("inner_media", "inner_media = [\"192.168.3.5\"]"),
    ("inside", "inside = \"10.1.5.10\""),
    ("interface", "interface = [\"eth2\", \"eth3\"]"),
    ("kind", "kind = \"gre\""),
    ("lbr_edition", "lbr_edition = \"2023\""),
    ("mac", "mac = [\"00:00:5e:00:01:0a\"]"),
    ("media", "media = [\"198.51.100.5\"]"),
    ("name", "name = \"a name\""),
    ("number", "number = \"+84455555555\""),
    ("outside", "outside = \"198.51.100.4\""),
    ("peers", "peers = [\"192.0.2.0/28\"]"),
    ("place", "place = \"your_network\""),
    ("policy", "policy = [\"sbc.contoso.com\"]"),
    ("pool", "pool = \"198.51.100.0/28\""),
    ("private_ranges", "private_ranges = ['^1\\d{3}$']"),
    ("remote", "remote = \"52.112.0.0/14\""),
    ("roles", "roles = [\"sig\", \"mp\", \"tr\", \"cli\"]"),
    ("segment", "segment = \"expressroute\""),
    ("signalling", "signalling = [\"198.51.100.4\"]"),
    ("sites", "sites = [\"Vietnam\"]"),
    ("sites_lbr", "sites_lbr = [\"Vietnam\"]"),
    ("subnets", "subnets = [\"192.168.1.0/24\"]"),
    ("trusted_ips", "trusted_ips = [\"198.51.100.0/28\"]"),
    ("vlan", "vlan = [[1201], [400, 1201]]"),
];

/// The file's name and text: what a message about it needs.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub text: &'a str,
    pub file: &'a str,
}

impl Source<'_> {
    /// The fault at a byte offset.
    pub fn fault(&self, offset: usize, message: impl Into<String>) -> Error {
        Error::Topology { file: self.file.to_owned(), line: self.line(offset), message: message.into() }
    }

    /// Line of a byte offset, from 1.
    pub fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }

    /// A warning with its place.
    pub fn note(&self, offset: usize, message: &str) -> String {
        format!("{}:{}: {message}", self.file, self.line(offset))
    }
}

/// Reads the tables. Fails on the first fault of syntax, key or value, with its line.
pub(super) fn read(source: Source<'_>) -> Result<Tables, Error> {
    toml::from_str(source.text).map_err(|e| {
        let offset = e.span().map_or(0, |span| span.start);
        let message = e.message();
        let rewritten = wrong_type(message, source.text, offset).or_else(|| wrong_key(message));
        source.fault(offset, rewritten.unwrap_or_else(|| as_reader_says(message)))
    })
}

/// Reads the list of Microsoft's prefixes that the tables name; `read` gives its text.
pub(super) fn listed(
    tables: &Tables,
    source: Source<'_>,
    read: impl FnOnce(&str) -> Result<String, String>,
) -> Result<Vec<MicrosoftPrefix>, Error> {
    let Some(list) = &tables.microsoft.list else { return Ok(Vec::new()) };
    let remedy = "write its path from this file's folder on, or remove the key";
    let text = read(list).map_err(|why| source.fault(list.offset, format!("list '{list}' cannot be read: {why}: {remedy}")))?;
    endpoints::read(&text, list.offset, tables).map_err(|why| source.fault(list.offset, format!("list '{list}' {why}")))
}

/// The reader's words about keys in ours.
fn wrong_key(message: &str) -> Option<String> {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return Some(unknown_key(rest));
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        let missing = rest.trim_matches('`');
        return Some(format!("key '{missing}' is missing: write {}", example(missing, "")));
    }
    let twice = "this key or table stands twice: write it once ([[name]] where there may be several)";
    (message == "duplicate key").then(|| twice.to_owned())
}

/// The reader's words about types in ours.
fn wrong_type(message: &str, text: &str, offset: usize) -> Option<String> {
    let rest = message.strip_prefix("invalid type: ").or(message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.split_once(", expected ")?;
    if let Some(key) = key_at(text, offset) {
        return Some(format!("'{key}' cannot be {}: write {}", found.replace('`', "'"), example(key, expected)));
    }
    let header = text.get(offset..)?.lines().next()?.strip_prefix('[')?;
    let name = header.trim_start_matches('[').split(']').next()?.trim();
    let (wrong, right) = match header.starts_with('[') {
        true => (format!("[[{name}]]"), format!("[{name}]")),
        false => (format!("[{name}]"), format!("[[{name}]]")),
    };
    Some(format!("{wrong} is not how this table is written: write {right}"))
}

/// What our own values say passes unchanged; the rest is about TOML itself.
fn as_reader_says(message: &str) -> String {
    if message.contains(": write ") {
        return message.to_owned();
    }
    let line = message.lines().collect::<Vec<_>>().join(", ").replace('`', "'");
    format!("not TOML: {line}")
}

/// "`cidrr`, expected one of `cidr`, `place`": what stands and what may stand, all in back ticks.
fn unknown_key(rest: &str) -> String {
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let found = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    match nearest(found, &known) {
        Some(name) => format!("unknown key '{found}': write '{name}'"),
        None => format!("unknown key '{found}': write one of {}", known.join(", ")),
    }
}

/// A line of the file for a key, or what the reader expected there.
fn example(key: &str, expected: &str) -> String {
    if let Some((_, line)) = EXAMPLES.iter().find(|(name, _)| *name == key) {
        return (*line).to_owned();
    }
    match expected {
        "a boolean" => "true or false",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        other => other,
    }
    .to_owned()
}

/// The key whose value begins at `offset` or holds it, when both stand on one line.
fn key_at(text: &str, offset: usize) -> Option<&str> {
    let before = text.get(..offset)?;
    let line = before.rsplit('\n').next()?;
    let (left, _) = line.rsplit_once('=')?;
    left.trim_end().rsplit([' ', '\t', '{', ',', '"']).find(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_sorted_and_each_is_toml() {
        assert!(EXAMPLES.is_sorted_by_key(|(key, _)| *key));
        for (key, line) in EXAMPLES {
            let table: toml::Table = line.parse().unwrap();
            assert!(table.contains_key(key), "{line}");
        }
    }

    #[test]
    fn key_is_found_in_lines_and_inline_tables() {
        assert_eq!(key_at("place = \"x\"", 8), Some("place"));
        assert_eq!(key_at("a = 1\nbaseline = { ttl = 'x' }", 27), Some("ttl"));
        assert_eq!(key_at("[[prefix]]", 0), None);
        assert_eq!(key_at("ä", 1), None);
    }
}
