//! The differences between callpath and tshark that are known, each with its kind and its reason. What differs otherwise fails, and
//! so does an entry that no longer applies.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Kinds of differences; the file says at its head what each means.
const KINDS: [&str; 11] =
    ["quoted", "not_read", "over_tcp", "encrypted", "damaged", "left_out", "copies", "events", "restart", "renegotiated", "not_recognised"];

/// Kinds that say what callpath lacks; no difference is explained by them.
const LACKS: [&str; 2] = ["not_read", "over_tcp"];

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

    /// How many of the differences `found` stand here as they are, with a reason that callpath is right.
    pub fn explained(&self, found: &Differences) -> usize {
        let stands = |((table, capture, stream), differ): &(&Subject, &Vec<String>)| {
            let mut entries = self.0.get(*table).into_iter().flatten();
            entries.any(|entry| {
                !LACKS.contains(&entry.kind.as_str()) && (&entry.capture, &entry.stream, &entry.differ) == (capture, stream, differ)
            })
        };
        found.iter().filter(stands).count()
    }

    /// How many entries of `table` are of each kind.
    pub fn kinds(&self, table: &str) -> BTreeMap<&str, usize> {
        let mut kinds = BTreeMap::new();
        self.0.get(table).into_iter().flatten().for_each(|entry| *kinds.entry(entry.kind.as_str()).or_default() += 1);
        kinds
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

#[test]
fn a_difference_that_callpath_lacks_something_for_is_not_explained() {
    let entry = |kind: &str| Entry {
        capture: kind.to_owned(),
        stream: String::new(),
        kind: kind.to_owned(),
        differ: vec!["1 more".to_owned()],
        why: String::new(),
    };
    let known = Known([("stun".to_owned(), vec![entry("quoted"), entry("not_read")])].into());
    let found = |capture: &str, differ: &str| Differences::from([(("stun", capture.to_owned(), String::new()), vec![differ.to_owned()])]);
    let cases = [("quoted", "1 more"), ("quoted", "2 more"), ("not_read", "1 more"), ("other", "1 more")];
    assert_eq!(cases.map(|(capture, differ)| known.explained(&found(capture, differ))), [1, 0, 0, 0]);
}
