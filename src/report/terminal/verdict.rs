//! The first line: what was found in how many calls, and what could not be read or judged. "Not read" never looks like "clean".

use super::style::{self, Pen, Style};
use super::{counted, highest};
use crate::finding::Severity;
use crate::report::{BySeverity, Summary};
use std::io::{self, Write};

/// Writes the sentence; `exchanges` of the calls are OPTIONS, REGISTER and the like.
pub fn write(out: &mut dyn Write, pen: Pen, summary: &Summary, exchanges: u64) -> io::Result<()> {
    let mut found = pen.line();
    let text = sentence(summary, exchanges);
    pen.paragraph(out, found.take(), style_of(summary), &text)
}

/// `2 errors, 1 warning in 3 calls; 1 input incomplete`
fn sentence(summary: &Summary, exchanges: u64) -> String {
    let totals = &summary.totals;
    let mut parts = vec![format!("{} in {}", findings(&totals.findings), subjects(totals.calls, exchanges, summary.ledger.records))];
    let mut add = |n: u64, text: String| parts.extend((n > 0).then_some(text));
    let broken = summary.inputs.iter().filter(|input| input.problem.is_some()).count() as u64;
    add(broken, counted(broken, "input incomplete", "inputs incomplete"));
    let undecoded: u64 = summary.ledger.undecoded.values().sum();
    add(undecoded, format!("{} not decoded", counted(undecoded, "record", "records")));
    let blind = summary.checks.values().filter(|check| check.violated + check.clean == 0 && check.not_checked > 0).count() as u64;
    add(blind, format!("{} could not be checked", counted(blind, "rule", "rules")));
    parts.join("; ")
}

fn findings(n: &BySeverity) -> String {
    let of = |n: u64, one, many| (n > 0).then(|| counted(n, one, many));
    let parts: Vec<String> =
        [of(n.error, "error", "errors"), of(n.warning, "warning", "warnings"), of(n.info, "info", "info")].into_iter().flatten().collect();
    if parts.is_empty() { "no findings".to_owned() } else { parts.join(", ") }
}

fn subjects(entries: u64, exchanges: u64, records: u64) -> String {
    let calls = counted(entries.saturating_sub(exchanges), "call", "calls");
    match (entries, exchanges) {
        (0, _) => format!("{} without a call", counted(records, "record", "records")),
        (_, 0) => calls,
        (_, n) => format!("{calls} and {}", counted(n, "other exchange", "other exchanges")),
    }
}

fn style_of(summary: &Summary) -> Style {
    let whole = summary.inputs.iter().all(|input| input.problem.is_none()) && summary.ledger.undecoded.is_empty();
    match highest(summary.findings.iter().map(|f| f.severity)) {
        Some(Severity::Error) => style::ERROR,
        Some(severity) => style::of(severity),
        None if whole => style::GOOD,
        None => style::WARNING,
    }
}
