//! `--format jsonl`: one line a call with everything that belongs to it, findings not grouped, then one line of totals. The
//! entries on a line are those of `callpath.report/1`. A call's line is written when it ended: those that are judged together, at one
//! sweep, in order of first record.

use super::json::{SCHEMA, append, ledger, tool};
use super::spool::Spool;
use super::{CallReport, EvidenceEntry, Format, Rendered, Summary};
use crate::finding::{Evidence, Finding, Severity};
use crate::record::RecordId;
use serde::Serialize;
use serde_json::json;
use std::io::{self, Write};

/// A line is `{"call","streams","hops","findings"}`, `call` null for a connection that nobody could read. The last line alone has
/// `schema` and `totals`; its `findings` are the grouped ones, which hold title, remedy and sources of the ids above.
#[derive(Debug, Clone, Copy, Default)]
pub struct Jsonl;

impl Format for Jsonl {
    fn sections(&self) -> usize {
        1
    }

    fn render(&self, call: &CallReport<'_>, out: &mut Rendered) {
        out.entry(0, call.first, |text| {
            text.extend_from_slice(b"{\"call\":");
            append(text, &call.call);
            text.extend_from_slice(b",\"findings\":");
            list(text, call.findings.iter().map(Ungrouped::of));
            text.extend_from_slice(b",\"hops\":");
            list(text, call.hops.iter().map(|(_, entry)| entry));
            text.extend_from_slice(b",\"streams\":");
            list(text, call.streams.iter().map(|(_, entry)| entry));
            text.extend_from_slice(b"}\n");
        });
    }

    fn go_on(&self, sections: &mut [Spool], out: &mut dyn Write) -> io::Result<()> {
        if sections.iter().all(|spool| spool.is_empty()) {
            return Ok(());
        }
        sections.iter_mut().try_for_each(|spool| spool.take_runs(|lines| out.write_all(lines)))?;
        out.flush()
    }

    fn finish(&self, summary: &Summary, sections: &mut [Spool], out: &mut dyn Write) -> io::Result<()> {
        self.go_on(sections, out)?;
        let last = json!({
            "schema": SCHEMA,
            "tool": tool(),
            "inputs": summary.inputs,
            "taps": summary.taps,
            "ledger": ledger(&summary.ledger),
            "findings": summary.findings,
            "checks": summary.checks,
            "waivers": summary.waivers,
            "totals": summary.totals,
            "notes": summary.notes,
        });
        serde_json::to_writer(&mut *out, &last)?;
        out.write_all(b"\n")
    }
}

/// Appends entries as an array.
fn list<T: Serialize>(text: &mut Vec<u8>, entries: impl Iterator<Item = T>) {
    text.push(b'[');
    for (i, entry) in entries.enumerate() {
        if i > 0 {
            text.push(b',');
        }
        append(text, &entry);
    }
    text.push(b']');
}

/// A finding of one call, before it is grouped with those of others.
#[derive(Serialize)]
struct Ungrouped<'a> {
    id: &'a str,
    rule: &'a str,
    severity: Severity,
    message: &'a str,
    subject: &'a str,
    value: &'a str,
    call: Option<&'a str>,
    records: Vec<RecordId>,
    evidence: Vec<EvidenceEntry>,
    filter: &'a str,
}

impl<'a> Ungrouped<'a> {
    fn of(finding: &'a Finding) -> Self {
        let violation = &finding.violation;
        let mut records: Vec<RecordId> = violation.evidence.iter().map(|e| e.id).collect();
        records.sort_unstable();
        records.dedup();
        Self {
            id: &finding.id,
            rule: &finding.rule,
            severity: violation.severity,
            message: &violation.message,
            subject: &violation.subject,
            value: &violation.value,
            call: finding.call.as_deref(),
            records,
            evidence: violation.evidence.iter().map(entry).collect(),
            filter: &finding.filter,
        }
    }
}

fn entry(evidence: &Evidence) -> EvidenceEntry {
    EvidenceEntry { input: evidence.id.input, number: evidence.id.number, time: evidence.at.rfc3339(), excerpt: evidence.excerpt.clone() }
}

#[cfg(test)]
mod tests {
    use super::super::json::written;
    use super::super::sample::sample;
    use super::*;
    use serde_json::Value;

    fn lines() -> Vec<Value> {
        let (summary, calls) = sample();
        let text = String::from_utf8(written(&Jsonl, &calls, &summary)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_holds_a_call_with_all_that_is_its_own() {
        let lines = lines();
        assert_eq!(lines.len(), 4);
        let first = &lines[0];
        assert_eq!(first.pointer("/call/id"), Some(&json!("a1b2c3d4e5f6")));
        let count = |name: &str| first.get(name).and_then(Value::as_array).map(Vec::len);
        assert_eq!((count("streams"), count("hops"), count("findings")), (Some(2), Some(2), Some(2)));
        assert_eq!(first.pointer("/findings/0/records"), Some(&json!([{ "input": 0, "number": 1 }, { "input": 0, "number": 3 }])));
    }

    #[test]
    fn only_the_last_line_has_totals() {
        let with: Vec<bool> = lines().iter().map(|line| line.get("totals").is_some()).collect();
        assert_eq!(with, [false, false, false, true]);
    }
}
