//! Files that a user writes in TOML: from the reader's complaints to one line that says what to write instead.

use super::words::nearest;
use crate::error::Error;
use serde::de::DeserializeOwned;

/// One line of a file for each key that a fault may be about.
pub type Examples = [(&'static str, &'static str)];

/// The file's name and text: what a message about it needs.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Its text.
    pub text: &'a str,
    /// Its name, as messages have it.
    pub file: &'a str,
}

impl Source<'_> {
    /// The fault at a byte offset.
    pub fn fault(&self, offset: usize, message: impl Into<String>) -> Error {
        Error::File { file: self.file.to_owned(), line: self.line(offset), message: message.into() }
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

/// Reads a file. Fails on the first fault of syntax, key or value, with its line.
pub fn read<T: DeserializeOwned>(source: Source<'_>, examples: &Examples) -> Result<T, Error> {
    toml::from_str(source.text).map_err(|e| {
        let offset = e.span().map_or(0, |span| span.start);
        let message = e.message();
        let rewritten = wrong_type(message, source.text, offset, examples).or_else(|| wrong_key(message, examples));
        source.fault(offset, rewritten.unwrap_or_else(|| as_reader_says(message)))
    })
}

/// The reader's words about keys in ours.
fn wrong_key(message: &str, examples: &Examples) -> Option<String> {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return Some(unknown_key(rest));
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        let missing = rest.trim_matches('`');
        return Some(format!("key '{missing}' is missing: write {}", example(missing, "", examples)));
    }
    let twice = "this key or table stands twice: write it once ([[name]] where there may be several)";
    (message == "duplicate key").then(|| twice.to_owned())
}

/// The reader's words about types in ours.
fn wrong_type(message: &str, text: &str, offset: usize, examples: &Examples) -> Option<String> {
    let rest = message.strip_prefix("invalid type: ").or(message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.split_once(", expected ")?;
    if let Some(key) = key_at(text, offset) {
        return Some(format!("'{key}' cannot be {}: write {}", found.replace('`', "'"), example(key, expected, examples)));
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
fn example(key: &str, expected: &str, examples: &Examples) -> String {
    if let Some((_, line)) = examples.iter().find(|(name, _)| *name == key) {
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
    fn key_is_found_in_lines_and_inline_tables() {
        assert_eq!(key_at("place = \"x\"", 8), Some("place"));
        assert_eq!(key_at("a = 1\nbaseline = { ttl = 'x' }", 27), Some("ttl"));
        assert_eq!(key_at("[[prefix]]", 0), None);
        assert_eq!(key_at("ä", 1), None);
    }
}
