//! The table of calls, in order of start. One line a call where the terminal is wide enough; else media and path go to a second.

use super::style::{self, Line, Pen, Style};
use super::table::Table;
use super::{counted, highest, hops, left_out, short, when, width};
use crate::finding::Severity;
use crate::report::{CallEntry, CallReport, LegEntry, StreamEntry, escape::brief, escape::escape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Columns that caller and callee keep before another layout is taken, and in the narrowest.
const PARTY: [usize; 2] = [12, 6];
/// Columns that caller and callee take at most.
const MAX_PARTY: usize = 28;
/// Columns of the rules column at most.
const MAX_RULES: usize = 24;
/// Columns of a caller or callee anywhere.
const LONGEST_PARTY: usize = 120;
/// Space between columns.
const GAP: usize = 2;

/// What the table shows of one call; texts are escaped.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    /// Id of the call.
    pub id: String,
    started: String,
    caller: String,
    callee: String,
    outcome: String,
    setup: String,
    length: String,
    messages: u64,
    media: Option<Media>,
    ways: Vec<hops::Ways>,
    rules: Vec<String>,
    severity: Option<Severity>,
}

/// The streams of a call, worst figures.
#[derive(Debug, Serialize, Deserialize)]
struct Media {
    streams: usize,
    loss: String,
    jitter: String,
}

impl Row {
    /// The row of a call; `None` for a connection that nobody could read.
    pub fn of(report: &CallReport<'_>) -> Option<Self> {
        let call = report.call.as_ref()?;
        let mut rules: Vec<String> = Vec::new();
        for rule in report.findings.iter().map(|f| short(&f.rule)) {
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        let setup = call.legs.iter().find_map(|leg| leg.setup_ms);
        Some(Self {
            id: call.id.to_string(),
            started: escape(&call.started).into_owned(),
            caller: party(call, call.caller.as_deref(), |leg| &leg.a),
            callee: party(call, call.callee.as_deref(), |leg| &leg.b),
            outcome: outcome(call),
            setup: setup.map_or_else(|| "-".to_owned(), |ms| format!("{:.3} s", ms.as_f64() / 1000.0)),
            length: length(call),
            messages: call.legs.iter().map(|leg| leg.requests + leg.responses + leg.retransmissions).sum(),
            media: Media::of(report.streams.iter().map(|(_, stream)| stream)),
            ways: hops::Ways::of(&report.hops),
            rules,
            severity: highest(report.findings.iter().map(|f| f.violation.severity)),
        })
    }

    /// Broke a rule.
    pub fn has_findings(&self) -> bool {
        self.severity.is_some()
    }
}

impl Media {
    /// A stream that a NAT or relay passes on is counted once, and its loss is that of its last part.
    fn of<'a>(streams: impl Iterator<Item = &'a StreamEntry<'a>> + Clone) -> Option<Self> {
        let continued: BTreeSet<&str> = streams.clone().filter_map(|stream| stream.continues.as_deref()).collect();
        let ends = streams.clone().filter(|stream| !continued.contains(&*stream.id));
        let loss = ends.map(|stream| stream.loss_percent).max()?;
        let jitter = streams.clone().filter_map(|stream| stream.jitter_ms.max).max();
        let jitter = jitter.map_or_else(|| "-".to_owned(), |ms| format!("{:.1}", ms.as_f64()));
        let streams = streams.filter(|stream| stream.continues.is_none()).count();
        Some(Self { streams, loss: loss.to_string(), jitter })
    }
}

/// `answered`, `rejected 403`, `options 200`, `media only`; escaped. A call that begins after its INVITE has no outcome.
pub fn outcome(call: &CallEntry<'_>) -> String {
    // That of the first leg is what the caller was told.
    let status = call.legs.iter().find_map(|leg| leg.status);
    let text = match (call.kind.as_str(), call.outcome.as_deref(), status) {
        ("media_only", _, _) => "media only".to_owned(),
        ("call", Some("answered"), _) => "answered".to_owned(),
        ("call", Some(outcome), Some(status)) => format!("{outcome} {status}"),
        ("call", Some(outcome), None) => outcome.to_owned(),
        ("call", None, _) => "set-up not seen".to_owned(),
        (kind, _, Some(status)) => format!("{kind} {status}"),
        (kind, _, None) => kind.to_owned(),
    };
    escape(&text).into_owned()
}

/// The caller or callee, or the endpoint where nobody says a name; escaped.
pub fn party<'a>(call: &'a CallEntry<'_>, name: Option<&'a str>, end: impl Fn(&'a LegEntry<'_>) -> &'a str) -> String {
    let end = call.legs.first().map_or("-", end);
    brief(name.filter(|name| !name.is_empty()).unwrap_or(end), LONGEST_PARTY)
}

/// From the answer to the end; without an answer from the start.
fn length(call: &CallEntry<'_>) -> String {
    let from = call.answered.as_ref().unwrap_or(&call.started);
    let span = call.ended.as_ref().and_then(|ended| when::between(from, ended));
    span.map_or_else(|| "-".to_owned(), when::length)
}

/// Writes the rows, and how many calls have none.
pub fn write(out: &mut dyn Write, pen: Pen, table: &Table) -> io::Result<()> {
    let rows = &table.rows;
    let Some((_, first)) = rows.first() else { return Ok(()) };
    let date = when::date(&first.started);
    let one_day = rows.iter().all(|(_, row)| when::date(&row.started) == date);
    let shown = if one_day { format!("start on {date}, UTC") } else { "start in UTC".to_owned() };
    pen.heading(out, "Calls", &shown)?;
    let layout = Layout::choose(rows, one_day, pen.width);
    layout.header(pen).write(out)?;
    for (number, row) in rows {
        layout.row(*number, row, pen).write(out)?;
        let detail = layout.detail(row);
        if !detail.is_empty() {
            pen.paragraph(out, pen.line().to(layout.column_of_caller()).take(), style::DIM, &detail)?;
        }
    }
    let marked = match table.marked - table.marked_rows() {
        0 => "calls without findings".to_owned(),
        n => format!("calls, {n} of them with findings,"),
    };
    left_out(out, pen, &marked, table.total, rows.len())
}

/// How much of a call stands on its first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Room {
    All,
    NoMedia,
    Least,
}

/// The columns of the first line, with their widths.
struct Layout {
    room: Room,
    one_day: bool,
    widths: Vec<usize>,
}

/// A cell: text, style, right-aligned.
type Cell = (String, Style, bool);

const CALLER: usize = 2;
const CALLEE: usize = 3;
const OUTCOME: usize = 4;

/// Columns that rules and outcome keep on the narrowest terminal.
const SHORT_RULE: usize = 5;
const SHORT_OUTCOME: usize = 8;

impl Layout {
    fn choose(rows: &[(usize, Row)], one_day: bool, width: usize) -> Self {
        let layouts = [Room::All, Room::NoMedia, Room::Least].map(|room| Self::natural(room, rows, one_day));
        let fitting = layouts.into_iter().find_map(|mut layout| layout.squeeze(width, PARTY[0]).then_some(layout));
        fitting.unwrap_or_else(|| {
            let mut least = Self::natural(Room::Least, rows, one_day);
            least.squeeze(width, PARTY[1]);
            least.shrink(width);
            least
        })
    }

    /// Every column as wide as its widest cell.
    fn natural(room: Room, rows: &[(usize, Row)], one_day: bool) -> Self {
        let mut layout = Self { room, one_day, widths: Vec::new() };
        layout.widths = layout.titles().iter().map(|(title, ..)| width::of(title)).collect();
        for (number, row) in rows {
            for (column, (text, ..)) in layout.widths.iter_mut().zip(Self { room, one_day, widths: Vec::new() }.cells(*number, row)) {
                *column = width::of(&text).max(*column);
            }
        }
        for party in layout.widths.iter_mut().skip(CALLER).take(2) {
            *party = (*party).min(MAX_PARTY);
        }
        if let Some(rules) = layout.widths.last_mut() {
            *rules = (*rules).min(MAX_RULES);
        }
        layout
    }

    /// Takes columns from caller and callee, down to `least` each, until the line fits.
    fn squeeze(&mut self, width: usize, least: usize) -> bool {
        while self.total() > width {
            let wider = if self.widths.get(CALLER) >= self.widths.get(CALLEE) { CALLER } else { CALLEE };
            match self.widths.get_mut(wider) {
                Some(party) if *party > least => *party -= 1,
                _ => return false,
            }
        }
        true
    }

    /// Where even the least is too wide: takes columns from the rules, then from the outcome.
    fn shrink(&mut self, width: usize) {
        for (column, least) in [(self.widths.len().saturating_sub(1), SHORT_RULE), (OUTCOME, SHORT_OUTCOME)] {
            let over = self.total().saturating_sub(width);
            if let Some(columns) = self.widths.get_mut(column) {
                *columns = columns.saturating_sub(over).max(least.min(*columns));
            }
        }
    }

    fn total(&self) -> usize {
        self.widths.iter().sum::<usize>() + GAP * self.widths.len().saturating_sub(1)
    }

    fn column_of_caller(&self) -> usize {
        self.widths.iter().take(CALLER).map(|w| w + GAP).sum()
    }

    fn titles(&self) -> Vec<Cell> {
        let mut cells = vec![("#", true), ("start", false), ("caller", false), ("callee", false), ("outcome", false)];
        if self.room < Room::Least {
            cells.push(("setup", true));
        }
        cells.push(("duration", true));
        if self.room < Room::Least {
            cells.push(("msgs", true));
        }
        if self.room == Room::All {
            cells.extend([("rtp", true), ("loss %", true), ("jitter", true), ("out/back", false)]);
        }
        cells.push(("findings", false));
        cells.into_iter().map(|(title, right)| (title.to_owned(), style::DIM, right)).collect()
    }

    fn cells(&self, number: usize, row: &Row) -> Vec<Cell> {
        let plain = |text: &str| (text.to_owned(), style::PLAIN, false);
        let right = |text: String| (text, style::PLAIN, true);
        let mut cells = vec![(number.to_string(), style::STRONG, true), plain(&self.start(&row.started)), plain(&row.caller)];
        cells.push(plain(&row.callee));
        cells.push((row.outcome.clone(), style::of_outcome(&row.outcome), false));
        if self.room < Room::Least {
            cells.push(right(row.setup.clone()));
        }
        cells.push(right(row.length.clone()));
        if self.room < Room::Least {
            cells.push(right(row.messages.to_string()));
        }
        if self.room == Room::All {
            let media = row.media.as_ref();
            let of = |figure: Option<&String>| right(figure.map_or_else(|| "-".to_owned(), String::clone));
            cells.push(right(media.map_or(0, |m| m.streams).to_string()));
            cells.push(of(media.map(|m| &m.loss)));
            cells.push(of(media.map(|m| &m.jitter)));
            cells.push(hops::Ways::worst(&row.ways).map_or_else(|| plain("-"), |(text, style)| (text, style, false)));
        }
        cells.push((row.rules.join(" "), row.severity.map_or(style::PLAIN, style::of), false));
        cells
    }

    fn start(&self, started: &str) -> String {
        let clock = when::clock(started);
        let seconds = clock.get(..8).unwrap_or(clock);
        match (self.one_day, self.room) {
            (true, Room::Least) => seconds.to_owned(),
            (true, _) => clock.to_owned(),
            (false, Room::Least) => started.get(5..16).unwrap_or(clock).replace('T', " "),
            (false, _) => format!("{} {seconds}", when::date(started)),
        }
    }

    /// What the first line has no room for.
    fn detail(&self, row: &Row) -> String {
        let mut parts = Vec::new();
        if self.room == Room::Least {
            parts.extend((row.setup != "-").then(|| format!("setup {}", row.setup)));
            parts.extend((row.messages > 0).then(|| counted(row.messages, "message", "messages")));
        }
        if self.room > Room::All {
            parts.extend(
                row.media
                    .as_ref()
                    .map(|m| format!("{}, loss {} %, jitter {} ms", counted(m.streams as u64, "stream", "streams"), m.loss, m.jitter)),
            );
            parts.extend(row.ways.iter().map(ToString::to_string));
        }
        parts.join("; ")
    }

    fn header(&self, pen: Pen) -> Line {
        self.line(pen, self.titles())
    }

    fn row(&self, number: usize, row: &Row, pen: Pen) -> Line {
        self.line(pen, self.cells(number, row))
    }

    fn line(&self, pen: Pen, cells: Vec<Cell>) -> Line {
        let mut line = pen.line();
        let mut start = 0;
        for ((text, style, right), columns) in cells.into_iter().zip(&self.widths) {
            let text = width::fit(&text, *columns);
            let text = if right { width::right(&text, *columns) } else { text };
            line.to(start).put(style, &text);
            start += columns + GAP;
        }
        line
    }
}
