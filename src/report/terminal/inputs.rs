//! What was not read, what a reader should know of the run, and the inputs, those with problems first.

use super::style::{self, Pen};
use super::{counted, left_out, when};
use crate::report::{InputEntry, Summary, escape::escape};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Inputs and problems shown without `-v`.
const MAX_INPUTS: usize = 10;
/// Notes shown without `-v`.
const MAX_NOTES: usize = 10;
/// Reasons for undecoded records shown.
const MAX_REASONS: usize = 8;

/// Writes the three parts; each is left out when it has nothing to say.
pub fn write(out: &mut dyn Write, pen: Pen, summary: &Summary, verbose: bool) -> io::Result<()> {
    let most = |n| if verbose { usize::MAX } else { n };
    not_read(out, pen, summary, verbose)?;
    notes(out, pen, &summary.notes, most(MAX_NOTES))?;
    inputs(out, pen, &summary.inputs, most(MAX_INPUTS))
}

/// Writes what was not read; nothing when all was.
pub fn not_read(out: &mut dyn Write, pen: Pen, summary: &Summary, verbose: bool) -> io::Result<()> {
    let most = if verbose { usize::MAX } else { MAX_INPUTS };
    let problems: Vec<_> =
        summary.inputs.iter().enumerate().filter_map(|(i, input)| input.problem.as_ref().map(|p| (i, input, p))).collect();
    let ledger = &summary.ledger;
    if problems.is_empty() && ledger.undecoded.is_empty() && ledger.evicted == 0 {
        return Ok(());
    }
    pen.heading(out, "Not read", "")?;
    for (i, input, problem) in problems.iter().take(most) {
        let lead = pen.line().put(style::ERROR, &format!("[{i}] ")).take();
        pen.paragraph(out, lead, style::PLAIN, &format!("{}: {}", escape(&input.path), escape(problem)))?;
    }
    left_out(out, pen, "incomplete inputs", problems.len(), most)?;
    if !ledger.undecoded.is_empty() {
        let n: u64 = ledger.undecoded.values().sum();
        let text = format!("{n} of {} not decoded: {}", counted(ledger.records, "record", "records"), reasons(&ledger.undecoded));
        pen.paragraph(out, pen.line(), style::WARNING, &text)?;
    }
    if ledger.evicted > 0 {
        let text =
            format!("{} dropped at a memory cap", counted(ledger.evicted, "flow, candidate or buffer", "flows, candidates or buffers"));
        pen.paragraph(out, pen.line(), style::WARNING, &text)?;
    }
    Ok(())
}

/// `ipv4: header is cut (10), mpls: not decoded yet (2)`, most frequent first.
fn reasons(undecoded: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<(&String, u64)> = undecoded.iter().map(|(reason, n)| (reason, *n)).collect();
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let rest: u64 = sorted.iter().skip(MAX_REASONS).map(|(_, n)| n).sum();
    let mut texts: Vec<String> = sorted.iter().take(MAX_REASONS).map(|(reason, n)| format!("{} ({n})", escape(reason))).collect();
    texts.extend((rest > 0).then(|| format!("other reasons ({rest})")));
    texts.join(", ")
}

fn notes(out: &mut dyn Write, pen: Pen, notes: &[String], most: usize) -> io::Result<()> {
    if notes.is_empty() {
        return Ok(());
    }
    pen.heading(out, "Notes", "")?;
    for note in notes.iter().take(most) {
        pen.paragraph(out, pen.line().put(style::DIM, "- ").take(), style::PLAIN, &escape(note))?;
    }
    left_out(out, pen, "notes", notes.len(), most)
}

fn inputs(out: &mut dyn Write, pen: Pen, inputs: &[InputEntry], most: usize) -> io::Result<()> {
    pen.heading(out, "Inputs", &total(inputs))?;
    let mut sorted: Vec<(usize, &InputEntry)> = inputs.iter().enumerate().collect();
    sorted.sort_by_key(|(_, input)| input.problem.is_none());
    for (i, input) in sorted.into_iter().take(most) {
        let mark = if input.problem.is_some() { style::ERROR } else { style::DIM };
        let lead = pen.line().put(mark, &format!("[{i}] ")).take();
        pen.paragraph(out, lead, style::PLAIN, &format!("{}: {}", escape(&input.path), facts(input)))?;
    }
    left_out(out, pen, "inputs", inputs.len(), most)
}

fn total(inputs: &[InputEntry]) -> String {
    if inputs.len() < 2 {
        return String::new();
    }
    format!(
        "{} inputs, {} records, {}",
        inputs.len(),
        inputs.iter().map(|i| i.records).sum::<u64>(),
        size(inputs.iter().map(|i| i.bytes).sum())
    )
}

/// `pcapng, gzip, 824 records, 1.2 MB, 2026-11-20 13:53:00.123 to 13:57:10.456 UTC`
fn facts(input: &InputEntry) -> String {
    let mut parts: Vec<String> = [&input.format, &input.compression].into_iter().flatten().map(|text| escape(text).into_owned()).collect();
    parts.push(counted(input.records, "record", "records"));
    parts.push(size(input.bytes));
    if let (Some(first), Some(last)) = (&input.first, &input.last) {
        parts.push(escape(&range(first, last)).into_owned());
    }
    if input.problem.is_some() {
        parts.push("incomplete".to_owned());
    }
    parts.join(", ")
}

fn range(first: &str, last: &str) -> String {
    let day = if when::date(first) == when::date(last) { String::new() } else { format!("{} ", when::date(last)) };
    format!("{} {} to {day}{} UTC", when::date(first), when::clock(first), when::clock(last))
}

/// Bytes with a decimal unit.
fn size(bytes: u64) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => counted(bytes, "byte", "bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal() {
        assert_eq!([size(1), size(999), size(1_234_567), size(2_000_000_000)], ["1 byte", "999 bytes", "1.2 MB", "2.0 GB"]);
    }
}
