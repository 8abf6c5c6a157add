//! The shared captures, each with callpath's report of it, and what the comparisons have in common.

use super::differences::{Differences, Known};
use super::support::root;
use super::support::run::analyze;
use super::tshark::{Capture, captures};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Captures there are; fewer would mean that some were not compared.
const CAPTURES: usize = 126;

/// A capture and callpath's report of it.
pub struct Case {
    /// The capture, with what tshark says of it.
    pub capture: Capture,
    /// callpath's report.
    pub report: Value,
}

/// What a comparison found.
#[derive(Default)]
pub struct Compared {
    /// What was compared, of which there is one subject each: captures or streams.
    pub subjects: usize,
    /// Single things on tshark's side: messages, reports, streams.
    pub things: usize,
    /// What differs.
    pub differences: Differences,
}

impl Compared {
    /// Notes what differs in `subject` of a capture; nothing differs when there are no lines.
    pub fn note(&mut self, table: &'static str, capture: &Capture, subject: &str, differ: Vec<String>) {
        if !differ.is_empty() {
            self.differences.insert((table, capture.id.clone(), subject.to_owned()), differ);
        }
    }
}

/// Every capture with its report; `None`, and a line in `target/skipped`, where they are missing.
pub fn cases() -> Option<&'static [Case]> {
    static CASES: OnceLock<Option<Vec<Case>>> = OnceLock::new();
    let read = || {
        let folder = root().join("../shared/captures");
        if !folder.is_dir() {
            super::skipped::skipped("oracle: callpath against tshark", "no ../shared/captures");
            return None;
        }
        let case = |capture: Capture| {
            let report = analyze(std::slice::from_ref(&capture.path), None);
            Case { capture, report }
        };
        let cases: Vec<Case> = captures(&folder).into_iter().map(case).collect();
        assert_eq!(cases.len(), CAPTURES);
        Some(cases)
    };
    CASES.get_or_init(read).as_deref()
}

/// The differences that are known.
pub fn known() -> Known {
    let file: PathBuf = root().join("tests/oracle-differences.toml");
    Known::read(Path::new(&file))
}

/// The entries of a report's member.
pub fn list<'v>(report: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    report[name].as_array().unwrap().iter()
}

/// The text of an entry's member, empty when it is null.
pub fn text<'v>(entry: &'v Value, name: &str) -> &'v str {
    entry[name].as_str().unwrap_or_default()
}

/// What two multisets do not share, in lines: `group: 3 missing, 1 more`, where `group` names what a thing belongs to.
pub fn apart<T: Ord>(ours: &[T], theirs: &[T], group: impl Fn(&T) -> String) -> Vec<String> {
    let mut counts: BTreeMap<&T, i64> = BTreeMap::new();
    theirs.iter().for_each(|thing| *counts.entry(thing).or_default() += 1);
    ours.iter().for_each(|thing| *counts.entry(thing).or_default() -= 1);
    let mut groups: BTreeMap<String, [i64; 2]> = BTreeMap::new();
    for (thing, left) in counts.into_iter().filter(|(_, left)| *left != 0) {
        let [missing, more] = groups.entry(group(thing)).or_default();
        *missing += left.max(0);
        *more += (-left).max(0);
    }
    let line = |(group, [missing, more]): (String, [i64; 2])| match (missing, more) {
        (0, more) => format!("{group}: {more} more"),
        (missing, 0) => format!("{group}: {missing} missing"),
        (missing, more) => format!("{group}: {missing} missing, {more} more"),
    };
    groups.into_iter().map(line).collect()
}

#[test]
fn what_two_lists_do_not_share_is_counted_by_group() {
    let group = |thing: &(&str, u8)| thing.0.to_owned();
    let (ours, theirs) = ([("a", 1), ("b", 1), ("b", 1)], [("b", 1), ("b", 2), ("a", 1), ("c", 9)]);
    assert_eq!(apart(&ours, &theirs, group), ["b: 1 missing, 1 more", "c: 1 missing"]);
    assert!(apart(&ours, &ours, group).is_empty());
}
