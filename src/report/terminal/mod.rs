//! `--format terminal`: what a voice engineer reads first, in the order of reading. Everything captured is escaped; lists are
//! bounded and say what they leave out.

use super::escape::escape;
use super::spool::Spool;
use super::{CallReport, Format, Rendered, Summary, width};
use crate::finding::Severity;
use crate::record::Seq;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use style::Pen;

mod calls;
mod checks;
mod findings;
mod hops;
mod inputs;
mod ladder;
mod section;
mod shortlist;
pub mod style;
mod taps;
mod verdict;
mod when;

#[cfg(test)]
mod tests;

/// Width of a report that no terminal shows.
pub const DEFAULT_WIDTH: u16 = 100;
/// Narrowest layout; terminals below it wrap lines themselves.
pub const MIN_WIDTH: u16 = 60;
/// Rows of the table of calls.
pub const MAX_CALLS: usize = 200;
/// Ladders, those of calls with findings first.
pub const MAX_LADDERS: usize = 20;
/// Without `-v`, clean calls have ladders only when the whole report has no more calls than this.
pub const FEW_CALLS: usize = 3;

const ROWS: usize = 0;
const MARKED: usize = 1;
const CLEAN: usize = 2;
const HOPS: usize = 3;

/// The terminal report.
#[derive(Debug)]
pub struct Terminal {
    /// Columns of a line.
    pub width: u16,
    /// Write colours as escape sequences.
    pub color: bool,
    /// 1 and above: all evidence, sources, subjects, ladders of clean calls, every hop.
    pub verbose: u8,
    /// The verdict, what was not read, and the findings only.
    pub quiet: bool,
    marked: shortlist::Shortlist,
    clean: shortlist::Shortlist,
}

/// A ladder in its spool: it is drawn before the number of its call is known.
#[derive(Serialize, Deserialize)]
struct Drawn {
    call: String,
    text: Vec<u8>,
}

impl Terminal {
    /// A report `width` columns wide.
    pub fn new(width: u16, color: bool, verbose: u8, quiet: bool) -> Self {
        let shortlist = || shortlist::Shortlist::new(MAX_LADDERS);
        Self { width: width.max(MIN_WIDTH), color, verbose, quiet, marked: shortlist(), clean: shortlist() }
    }

    fn pen(&self) -> Pen {
        Pen { width: usize::from(self.width), color: self.color }
    }

    /// Draws the ladder if it may be among those shown: of `MAX_LADDERS` calls with findings and as many without.
    fn draw(&self, call: &CallReport, out: &mut Rendered) {
        let (section, list) = if call.findings.is_empty() { (CLEAN, &self.clean) } else { (MARKED, &self.marked) };
        if call.ladder.is_empty() || !list.admits(call.first) {
            return;
        }
        let id = call.call.as_ref().map(|c| c.id.clone()).unwrap_or_default();
        spool(out, section, call.first, &Drawn { call: id, text: section::draw(call, self.pen()) });
    }
}

impl Format for Terminal {
    fn sections(&self) -> usize {
        4
    }

    fn ladders(&self) -> bool {
        !self.quiet
    }

    fn render(&self, call: &CallReport, out: &mut Rendered) {
        if let Some(row) = calls::Row::of(call) {
            spool(out, ROWS, call.first, &row);
        }
        if self.quiet {
            return;
        }
        self.draw(call, out);
        for (first, hop) in &call.hops {
            spool(out, HOPS, *first, hop);
        }
    }

    fn finish(&self, summary: &Summary, sections: &mut [Spool], out: &mut dyn Write) -> io::Result<()> {
        let [rows, marked, clean, hops] = sections else { return Err(io::Error::other("the terminal report has four sections")) };
        let pen = self.pen();
        let ladders = if self.quiet { Ladders::default() } else { self.ladders(rows.len(), marked, clean)? };
        let table = Table::read(rows, &self.wanted(summary, &ladders))?;
        verdict::write(out, pen, summary, table.exchanges)?;
        match self.quiet {
            // Few words, but what could not be read must never look clean.
            true => inputs::not_read(out, pen, summary, false)?,
            false => {
                inputs::write(out, pen, summary, self.verbose > 0)?;
                taps::write(out, pen, summary, self.verbose > 0)?;
            }
        }
        findings::write(out, pen, &summary.findings, &table.numbers, self.verbose > 0)?;
        if self.quiet {
            return Ok(());
        }
        calls::write(out, pen, &table.rows, rows.len())?;
        ladders.write(out, pen, &table)?;
        hops::write(out, pen, hops, self.verbose > 0)?;
        checks::write(out, pen, summary)
    }
}

impl Terminal {
    fn wanted(&self, summary: &Summary, ladders: &Ladders) -> BTreeSet<String> {
        let named = summary.findings.iter().take(findings::MAX_FINDINGS).filter_map(|f| f.call.clone());
        let drawn = ladders.drawn.iter().map(|drawn| drawn.call.clone());
        if self.quiet { BTreeSet::new() } else { named.chain(drawn).collect() }
    }

    fn ladders(&self, n_calls: usize, marked: &mut Spool, clean: &mut Spool) -> io::Result<Ladders> {
        let mut ladders = Ladders::default();
        take(marked, MAX_LADDERS, &mut ladders.drawn)?;
        ladders.marked = ladders.drawn.len();
        if self.verbose > 0 || n_calls <= FEW_CALLS {
            take(clean, MAX_LADDERS - ladders.drawn.len(), &mut ladders.drawn)?;
        }
        Ok(ladders)
    }
}

/// The ladders that are shown, and how many of them are of calls with findings.
#[derive(Default)]
struct Ladders {
    drawn: Vec<Drawn>,
    marked: usize,
}

impl Ladders {
    fn write(&self, out: &mut dyn Write, pen: Pen, table: &Table) -> io::Result<()> {
        for drawn in &self.drawn {
            let number = table.numbers.get(&drawn.call).map_or_else(|| "Connection".to_owned(), |n| format!("Call #{n}"));
            pen.heading(out, &number, &escape(&drawn.call))?;
            out.write_all(&drawn.text)?;
        }
        left_out(out, pen, "ladders of calls with findings", table.marked, self.marked)
    }
}

/// The rows shown, the numbers of the calls that other sections name, how many entries are no calls and how many have findings.
struct Table {
    rows: Vec<calls::Row>,
    numbers: BTreeMap<String, usize>,
    exchanges: u64,
    marked: usize,
}

impl Table {
    fn read(spool: &mut Spool, wanted: &BTreeSet<String>) -> io::Result<Self> {
        let mut table = Self { rows: Vec::new(), numbers: BTreeMap::new(), exchanges: 0, marked: 0 };
        let mut number = 0;
        spool.for_each(|entry| {
            let row: calls::Row = unspool(entry)?;
            number += 1;
            table.exchanges += u64::from(!row.is_call());
            table.marked += usize::from(row.has_findings());
            if wanted.contains(&row.id) {
                table.numbers.insert(row.id.clone(), number);
            }
            if table.rows.len() < MAX_CALLS {
                table.rows.push(row);
            }
            Ok(())
        })?;
        Ok(table)
    }
}

/// Says that `total - shown` of `what` are not here, and where they are.
fn left_out(out: &mut dyn Write, pen: Pen, what: &str, total: usize, shown: usize) -> io::Result<()> {
    if total <= shown {
        return Ok(());
    }
    let text = format!("{} more {what} left out; --format json has everything", total - shown);
    pen.paragraph(out, pen.line().put(style::DIM, "… ").take(), style::DIM, &text)
}

/// `1 call`, `2 calls`.
fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// `DR001` of `DR001-contact-ip`.
fn short(rule: &str) -> String {
    escape(rule.split('-').next().unwrap_or(rule)).into_owned()
}

/// The highest severity first.
fn highest(severities: impl Iterator<Item = Severity>) -> Option<Severity> {
    severities.max()
}

fn take(spool: &mut Spool, most: usize, into: &mut Vec<Drawn>) -> io::Result<()> {
    let end = into.len() + most;
    spool.for_each(|entry| {
        if into.len() < end {
            into.push(unspool(entry)?);
        }
        Ok(())
    })
}

/// Entries are plain data: packing them into a vector cannot fail.
fn spool(out: &mut Rendered, section: usize, first: Seq, entry: &impl Serialize) {
    out.entry(section, first, |bytes| {
        postcard::to_io(entry, bytes).expect("plain data");
    });
}

fn unspool<'a, T: Deserialize<'a>>(entry: &'a [u8]) -> io::Result<T> {
    postcard::from_bytes(entry).map_err(io::Error::other)
}
