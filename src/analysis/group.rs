//! Findings grouped by (rule, subject, value): a count, the calls, and up to five examples.

use crate::config::EXPIRED;
use crate::finding::{Evidence, Finding, Severity};
use crate::record::{RecordId, Seq};
use crate::report::{EvidenceEntry, FindingEntry};
use crate::rules::{self, Page};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Examples kept of a group.
const EXAMPLES: usize = 5;

/// What findings are grouped by: rule, subject, value.
type Key = (String, String, String);

/// One group.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Group {
    id: String,
    severity: Severity,
    /// Place of its first record: groups are listed by it.
    first: Seq,
    message: String,
    call: Option<String>,
    calls: u64,
    count: u64,
    filter: String,
    /// Evidence of up to five occurrences, by their first record.
    examples: BTreeMap<Seq, Vec<Evidence>>,
}

/// All groups of a run.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Groups(BTreeMap<Key, Group>);

impl Groups {
    /// Adds the findings of one call.
    pub fn add(&mut self, findings: &[Finding]) {
        let mut counted: Vec<&str> = Vec::new();
        for finding in findings {
            let fresh = !counted.contains(&finding.id.as_str());
            if fresh {
                counted.push(&finding.id);
            }
            self.add_one(finding, fresh && finding.call.is_some());
        }
    }

    fn add_one(&mut self, finding: &Finding, new_call: bool) {
        let violation = &finding.violation;
        let first = violation.evidence.first().map_or(Seq(u64::MAX), |e| e.seq);
        let key = (finding.rule.clone(), violation.subject.clone(), violation.value.clone());
        let group = self.0.entry(key).or_insert_with(|| Group {
            id: finding.id.clone(),
            severity: violation.severity,
            first,
            message: violation.message.clone(),
            call: finding.call.clone(),
            calls: 0,
            count: 0,
            filter: finding.filter.clone(),
            examples: BTreeMap::new(),
        });
        group.severity = group.severity.max(violation.severity);
        group.count += 1;
        group.calls += u64::from(new_call);
        if first < group.first {
            group.first = first;
            group.message = violation.message.clone();
            group.call = finding.call.clone();
            group.filter = finding.filter.clone();
        }
        group.examples.entry(first).or_insert_with(|| violation.evidence.clone());
        if group.examples.len() > EXAMPLES {
            group.examples.pop_last();
        }
    }

    /// The groups as entries, in order of first record.
    pub fn entries(&self) -> Vec<FindingEntry> {
        let mut groups: Vec<(&Key, &Group)> = self.0.iter().collect();
        groups.sort_by_key(|(key, group)| (group.first, *key));
        groups.into_iter().map(|(key, group)| entry(key, group)).collect()
    }
}

/// Title and remedy of a waiver that expired.
const EXPIRED_TITLE: &str = "A waiver has expired";
const EXPIRED_REMEDY: &str = "Settle what it was for and remove it from callpath.toml, or give it another day there.";

fn entry((rule, subject, value): &Key, group: &Group) -> FindingEntry {
    let known = rules::find(rule);
    let page = match rule.as_str() {
        EXPIRED => Some(Page { remedy: EXPIRED_REMEDY.to_owned(), sources: Vec::new() }),
        _ => known.map(|rule| Page::of(rule.page)),
    };
    let title = known.map_or(if rule == EXPIRED { EXPIRED_TITLE } else { "" }, |rule| rule.title);
    let evidence: Vec<&Evidence> = group.examples.values().flatten().collect();
    let mut records: Vec<RecordId> = Vec::new();
    for id in evidence.iter().map(|e| e.id) {
        if !records.contains(&id) {
            records.push(id);
        }
    }
    FindingEntry {
        id: group.id.clone(),
        rule: rule.clone(),
        severity: group.severity,
        title: title.to_owned(),
        message: group.message.clone(),
        subject: subject.clone(),
        value: value.clone(),
        call: group.call.clone(),
        calls: group.calls,
        count: group.count,
        filter: filter(&records, &group.filter),
        records,
        evidence: evidence.into_iter().map(evidence_entry).collect(),
        remedy: page.as_ref().map_or_else(String::new, |page| page.remedy.clone()),
        sources: page.map_or_else(Vec::new, |page| page.sources),
    }
}

fn evidence_entry(evidence: &Evidence) -> EvidenceEntry {
    EvidenceEntry { input: evidence.id.input, number: evidence.id.number, time: evidence.at.rfc3339(), excerpt: evidence.excerpt.clone() }
}

/// Frame numbers when all records lie in one input, else what the finding says.
fn filter(records: &[RecordId], otherwise: &str) -> String {
    let Some(first) = records.first() else { return otherwise.to_owned() };
    if records.iter().any(|record| record.input != first.input) {
        return otherwise.to_owned();
    }
    let numbers: Vec<String> = records.iter().map(|record| record.number.to_string()).collect();
    format!("frame.number in {{{}}}", numbers.join(", "))
}
