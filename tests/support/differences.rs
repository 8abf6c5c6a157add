//! The differences between callpath and tshark that are known, each with its kind and its reason. What differs otherwise fails, and
//! so does an entry that no longer applies.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Kinds of differences; the file says at its head what each means.
const KINDS: [&str; 9] = ["quoted", "not_decoded", "damaged", "left_out", "copies", "events", "restart", "renegotiated", "not_recognised"];

/// What a difference is of: the table's name, the capture's id, and the stream, or nothing.
pub type Subject = (&'static str, String, String);
/// What differs, `<figure>: <callpath> instead of <tshark>`, by subject.
pub type Differences = BTreeMap<Subject, Vec<String>>;

/// One entry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    capture: String,
    #[serde(default)]
    stream: String,
    kind: String,
    differ: Vec<String>,
    why: String,
}

/// The file by the table that an entry stands in.
#[derive(Debug, Deserialize)]
pub struct Known(BTreeMap<String, Vec<Entry>>);

impl Known {
    /// Reads the file.
    pub fn read(path: &Path) -> Self {
        let known: Self = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for entry in known.0.values().flatten() {
            assert!(KINDS.contains(&entry.kind.as_str()), "{}: no kind '{}'", entry.capture, entry.kind);
            assert!(entry.why.len() > 20, "{}: say why", entry.capture);
        }
        known
    }

    /// Fails unless `found` are exactly the differences of `table`.
    pub fn hold(&self, table: &'static str, found: &Differences) {
        let entries = self.0.get(table).into_iter().flatten();
        let subject = |entry: &Entry| (table, entry.capture.clone(), entry.stream.clone());
        let known: Differences = entries.map(|entry| (subject(entry), entry.differ.clone())).collect();
        let subjects: BTreeSet<&Subject> = known.keys().chain(found.keys()).collect();
        let wrong = subjects.into_iter().filter(|subject| known.get(subject) != found.get(subject));
        let lines: Vec<String> = wrong.map(|s| format!("{s:?}\n   known {:?}\n   found {:?}", known.get(s), found.get(s))).collect();
        assert!(lines.is_empty(), "differences that are not as known:\n{}", lines.join("\n"));
    }
}
