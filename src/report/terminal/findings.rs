//! Findings: what is broken, the lines that prove it, what to do, and the filter that shows them in Wireshark. Worst first.

use super::style::{self, Line, Pen};
use super::{counted, left_out, when};
use crate::report::{EvidenceEntry, FindingEntry, escape::brief, escape::escape, width};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Evidence lines of one finding without `-v`.
const MAX_EVIDENCE: usize = 3;
/// Columns of one excerpt without `-v`.
const MAX_EXCERPT: usize = 300;
/// Columns of a message.
const MAX_MESSAGE: usize = 600;
/// Column of everything below the head line.
const INDENT: usize = 9;

/// Writes the `most` worst findings, or nothing when there are none. `numbers` gives the row of a call in the table.
pub fn write(
    out: &mut dyn Write,
    pen: Pen,
    findings: &[FindingEntry],
    numbers: &BTreeMap<String, usize>,
    most: usize,
    verbose: bool,
) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    pen.heading(out, "Findings", "")?;
    let mut sorted: Vec<&FindingEntry> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let shown = sorted.len().min(most);
    for (i, finding) in sorted.iter().take(shown).enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        one(out, pen, finding, numbers, verbose)?;
    }
    left_out(out, pen, "findings", findings.len(), shown)
}

fn one(out: &mut dyn Write, pen: Pen, finding: &FindingEntry, numbers: &BTreeMap<String, usize>, verbose: bool) -> io::Result<()> {
    let severity = style::of(finding.severity);
    let mut head = pen.line();
    head.put(severity, &finding.severity.to_string()).to(INDENT);
    pen.paragraph(out, head, style::STRONG, &format!("{}: {}", escape(&finding.rule), escape(&finding.title)))?;
    pen.paragraph(
        out,
        indent(pen),
        style::PLAIN,
        &format!("{} ({})", brief(&finding.message, MAX_MESSAGE), occurrences(finding, numbers)),
    )?;
    if verbose {
        labelled(out, pen, "subject", &finding.subject)?;
        labelled(out, pen, "value", &finding.value)?;
    }
    evidence(out, pen, &finding.evidence, verbose)?;
    labelled(out, pen, "remedy", &finding.remedy)?;
    for source in finding.sources.iter().filter(|_| verbose) {
        labelled(out, pen, "source", source)?;
    }
    if finding.filter.is_empty() {
        return Ok(());
    }
    pen.verbatim(out, label(pen, "filter"), style::PLAIN, &escape(&finding.filter))
}

/// `twice in 1 call, #3`
fn occurrences(finding: &FindingEntry, numbers: &BTreeMap<String, usize>) -> String {
    let times = match finding.count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    };
    let first = if finding.calls > 1 { "first " } else { "" };
    match &finding.call {
        None => times,
        Some(id) => match numbers.get(id) {
            Some(number) => format!("{times} in {}, {first}#{number}", counted(finding.calls, "call", "calls")),
            None => format!("{times} in {}, {first}{}", counted(finding.calls, "call", "calls"), escape(id)),
        },
    }
}

fn evidence(out: &mut dyn Write, pen: Pen, evidence: &[EvidenceEntry], verbose: bool) -> io::Result<()> {
    let shown = if verbose { evidence.len() } else { evidence.len().min(MAX_EVIDENCE) };
    let ids: Vec<String> = evidence.iter().take(shown).map(|e| format!("{}:{}", e.input, e.number)).collect();
    let column = ids.iter().map(|id| width::of(id)).max().unwrap_or(0);
    for (line, id) in evidence.iter().zip(&ids) {
        let mut lead = indent(pen);
        lead.put(style::DIM, &format!("{}  {}  ", width::left(id, column), escape(when::clock(&line.time))));
        let text = if verbose { escape(&line.excerpt).into_owned() } else { brief(&line.excerpt, MAX_EXCERPT) };
        pen.paragraph(out, lead, style::PLAIN, &text)?;
    }
    if shown < evidence.len() {
        let text = format!("… {} with -v", counted((evidence.len() - shown) as u64, "more record", "more records"));
        indent(pen).put(style::DIM, &text).write(out)?;
    }
    Ok(())
}

fn labelled(out: &mut dyn Write, pen: Pen, name: &str, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    pen.paragraph(out, label(pen, name), style::PLAIN, &escape(text))
}

fn label(pen: Pen, name: &str) -> Line {
    indent(pen).put(style::DIM, &width::left(name, 9)).take()
}

fn indent(pen: Pen) -> Line {
    pen.line().to(INDENT).take()
}
