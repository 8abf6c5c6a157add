//! `--format terminal`: what a voice engineer reads first, in the order of reading. Everything captured is escaped; lists are
//! bounded and say what they leave out.

use super::escape::escape;
use super::spool::Spool;
use super::{CallReport, Format, Rendered, Summary, width};
use crate::finding::{Finding, Severity};
use crate::record::Seq;
use serde::{Deserialize, Serialize};
use shortlist::{Shortlist, choose, place};
use std::io::{self, Write};
use style::Pen;
use table::Table;

mod calls;
mod checks;
mod findings;
mod hops;
mod inputs;
mod ladder;
mod path;
mod section;
mod segments;
mod shortlist;
pub mod style;
mod table;
mod taps;
mod verdict;
mod waivers;
mod when;
mod whole_path;

pub use whole_path::WholePath;

#[cfg(test)]
mod tests;

/// Width of a report that no terminal shows.
pub const DEFAULT_WIDTH: u16 = 100;
/// Narrowest layout; terminals below it wrap lines themselves.
pub const MIN_WIDTH: u16 = 60;
/// Without `-v`, clean calls have ladders only when the whole report has no more calls than this.
pub const FEW_CALLS: usize = 3;

const TALLIES: usize = 0;
const ROWS: usize = 1;
const MARKED: usize = 2;
const CLEAN: usize = 3;
const HOPS: usize = 4;

/// How long the lists of a report are. What has no room is counted; the worst come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows of the table of calls.
    pub calls: usize,
    /// Findings.
    pub findings: usize,
    /// Ladders, those of calls with findings first.
    pub ladders: usize,
    /// Hops, those of several calls counted once; with `-v` there is room for more.
    pub hops: usize,
}

impl Limits {
    /// Where nobody asks for others.
    pub const USUAL: Self = Self { calls: 100, findings: 100, ladders: 20, hops: 30 };

    /// Those of `--limit`: so many of each, all for 0.
    pub fn of(limit: Option<u64>) -> Self {
        let all = |n| Self { calls: n, findings: n, ladders: n, hops: n };
        match limit {
            None => Self::USUAL,
            Some(0) => all(usize::MAX),
            Some(n) => all(usize::try_from(n).unwrap_or(usize::MAX)),
        }
    }
}

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
    limits: Limits,
    rows: Shortlist,
    marked: Shortlist,
    clean: Shortlist,
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
        let limits = Limits::USUAL;
        let [rows, marked, clean] = lists(limits);
        Self { width: width.max(MIN_WIDTH), color, verbose, quiet, limits, rows, marked, clean }
    }

    /// The same with other limits.
    pub fn limited(self, limits: Limits) -> Self {
        let [rows, marked, clean] = lists(limits);
        Self { limits, rows, marked, clean, ..self }
    }

    fn pen(&self) -> Pen {
        Pen { width: usize::from(self.width), color: self.color }
    }

    /// Counts the call, and keeps its row if it may be among those shown.
    fn row(&self, call: &CallReport<'_>, place: u8, out: &mut Rendered) {
        let row = if !self.quiet && self.rows.admits(place, call.first) { calls::Row::of(call) } else { None };
        out.entry(TALLIES, call.first, |text| text.extend_from_slice(&table::tally(call, row.is_some())));
        if let Some(row) = row {
            spool(out, ROWS, call.first, &(place, row));
        }
    }

    /// Draws the ladder if it may be among those shown: of so many calls with findings and as many without.
    fn draw(&self, call: &CallReport<'_>, place: u8, out: &mut Rendered) {
        let (section, list) = if call.findings.is_empty() { (CLEAN, &self.clean) } else { (MARKED, &self.marked) };
        if call.ladder.is_empty() || !list.admits(place, call.first) {
            return;
        }
        let id = call.call.as_ref().map(|c| c.id.to_string()).unwrap_or_default();
        spool(out, section, call.first, &(place, Drawn { call: id, text: section::draw(call, self.pen()) }));
    }
}

fn lists(limits: Limits) -> [Shortlist; 3] {
    [limits.calls, limits.ladders, limits.ladders].map(Shortlist::new)
}

impl Format for Terminal {
    fn sections(&self) -> usize {
        5
    }

    fn ladders(&self) -> bool {
        !self.quiet
    }

    fn shows(&self, first: Seq, findings: &[Finding]) -> bool {
        let place = place(highest(findings.iter().map(|f| f.violation.severity)));
        let ladders = if findings.is_empty() { &self.clean } else { &self.marked };
        !self.quiet && (self.rows.may_admit(place, first) || ladders.may_admit(place, first))
    }

    fn render(&self, call: &CallReport<'_>, out: &mut Rendered) {
        let place = place(highest(call.findings.iter().map(|f| f.violation.severity)));
        if call.call.is_some() {
            self.row(call, place, out);
        }
        if self.quiet {
            return;
        }
        self.draw(call, place, out);
        for (first, hop) in &call.hops {
            out.entry(HOPS, *first, |text| text.extend_from_slice(&hops::packed(hop)));
        }
    }

    fn finish(&self, summary: &Summary, sections: &mut [Spool], out: &mut dyn Write) -> io::Result<()> {
        let [tallies, rows, marked, clean, hops] = sections else {
            return Err(io::Error::other("the terminal report has five sections"));
        };
        let (pen, verbose) = (self.pen(), self.verbose > 0);
        let table = Table::read(tallies, rows, self.limits.calls)?;
        verdict::write(out, pen, summary, table.exchanges)?;
        match self.quiet {
            // Few words, but what could not be read must never look clean.
            true => inputs::not_read(out, pen, summary, false)?,
            false => {
                inputs::write(out, pen, summary, verbose)?;
                taps::write(out, pen, summary, verbose)?;
            }
        }
        findings::write(out, pen, &summary.findings, &table.numbers, self.limits.findings, verbose)?;
        if self.quiet {
            return Ok(());
        }
        waivers::write(out, pen, summary)?;
        calls::write(out, pen, &table)?;
        self.ladders(out, &table, marked, clean)?;
        segments::write(out, pen, summary)?;
        hops::write(out, pen, hops, self.limits.hops, verbose)?;
        checks::write(out, pen, summary)
    }
}

impl Terminal {
    /// Writes the ladders of calls with findings, then those of others where they are few or asked for.
    fn ladders(&self, out: &mut dyn Write, table: &Table, marked: &mut Spool, clean: &mut Spool) -> io::Result<()> {
        let most = self.limits.ladders;
        let of_marked = self.write_ladders(out, table, marked, most)?;
        if self.verbose > 0 || table.total <= FEW_CALLS {
            self.write_ladders(out, table, clean, most - of_marked)?;
        }
        left_out(out, self.pen(), "ladders of calls with findings", table.marked, of_marked)
    }

    /// Writes the `most` worst ladders of a spool, in order of time, and says how many they are.
    fn write_ladders(&self, out: &mut dyn Write, table: &Table, spool: &mut Spool, most: usize) -> io::Result<usize> {
        let mut places = Vec::new();
        spool.for_each(|drawn| {
            places.push(drawn.first().copied().unwrap_or_default());
            Ok(())
        })?;
        let chosen = choose(&places, most);
        let mut marks = chosen.iter();
        spool.for_each(|drawn| {
            if marks.next() != Some(&true) {
                return Ok(());
            }
            let drawn: Drawn = unspool(drawn.get(1..).unwrap_or_default())?;
            let number = match table.numbers.get(&drawn.call) {
                Some(number) => format!("Call #{number}"),
                None if drawn.call.is_empty() => "Connection".to_owned(),
                None => "Call".to_owned(),
            };
            self.pen().heading(out, &number, &escape(&drawn.call))?;
            out.write_all(&drawn.text)
        })?;
        Ok(chosen.iter().filter(|mark| **mark).count())
    }
}

/// How to see what is left out.
const WHERE: &str = "--limit 0 shows all, --format json has everything";

/// Says that `total - shown` of `what` are not here, and where they are.
fn left_out(out: &mut dyn Write, pen: Pen, what: &str, total: usize, shown: usize) -> io::Result<()> {
    if total <= shown {
        return Ok(());
    }
    let text = format!("{} more {what} left out; {WHERE}", total - shown);
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

/// Entries are plain data: packing them into a vector cannot fail.
fn spool(out: &mut Rendered, section: usize, first: Seq, entry: &impl Serialize) {
    out.entry(section, first, |bytes| {
        postcard::to_io(entry, bytes).expect("plain data");
    });
}

fn unspool<'a, T: Deserialize<'a>>(entry: &'a [u8]) -> io::Result<T> {
    postcard::from_bytes(entry).map_err(io::Error::other)
}
