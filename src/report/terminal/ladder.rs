//! A call as a ladder: one column an IP address, time going down.

use super::style::{self, Line, Pen, Style};
use super::{counted, short, when, width};
use crate::finding::Severity;
use crate::record::RecordId;
use crate::report::{CallEntry, CallReport, LadderRow, escape::brief, escape::escape};
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Rows of one ladder; of a longer one the beginning, the end and rows with findings are shown.
const MAX_ROWS: usize = 60;
/// Rows kept of the end of a longer ladder, and rows with findings kept between.
const TAIL: usize = 10;
/// Columns between two lifelines: at least, so that an arrow can be labelled, and at most.
const SPACING: [usize; 2] = [14, 48];

/// Rows as they are printed: with their index, or a number of rows left out.
enum Part<'a> {
    Row(usize, &'a LadderRow),
    LeftOut(usize),
}

/// A ladder laid out: which column belongs to whom, and how wide everything is.
pub struct Ladder<'a> {
    pen: Pen,
    rows: &'a [LadderRow],
    ends: Vec<String>,
    by_port: bool,
    severities: BTreeMap<&'a str, Severity>,
    places: BTreeMap<&'a str, &'a str>,
    early_until: Option<Timestamp>,
    records: usize,
    times: [usize; 2],
    marks: usize,
    spacing: usize,
}

impl<'a> Ladder<'a> {
    /// Lays out the rows of `report`.
    pub fn of(report: &'a CallReport<'a>, pen: Pen) -> Self {
        let rows = report.ladder.as_slice();
        // Everything on one address (a test on loopback): ports tell the parties apart.
        let by_port = rows.iter().all(|row| ip(&row.from) == ip(&row.to));
        let mut ladder = Self {
            pen,
            rows,
            ends: Vec::new(),
            by_port,
            severities: report.findings.iter().map(|f| (f.id.as_str(), f.violation.severity)).collect(),
            places: report.hops.iter().flat_map(|(_, hop)| [&hop.a, &hop.b]).map(|e| (e.ip.as_str(), e.place.as_str())).collect(),
            early_until: report.call.as_ref().filter(|call| call.kind == "call").map(answered),
            records: 0,
            times: [0; 2],
            marks: 0,
            spacing: 0,
        };
        for row in rows {
            for end in [ladder.end(&row.from), ladder.end(&row.to)] {
                if !ladder.ends.iter().any(|known| known == end) {
                    ladder.ends.push(end.to_owned());
                }
            }
        }
        ladder.arrange();
        ladder.measure();
        ladder
    }

    /// Writes header and rows.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.header(out)?;
        for part in self.parts() {
            match part {
                Part::Row(i, row) => self.row(i, row, out)?,
                Part::LeftOut(n) => self.gap(n, out)?,
            }
        }
        Ok(())
    }

    /// Carrier left, your network between, Microsoft right, where all places are known; else in order of first appearance.
    fn arrange(&mut self) {
        let places = &self.places;
        let place = |end: &str| places.get(ip(end)).copied().unwrap_or_default();
        if self.ends.iter().all(|end| !place(end).is_empty()) {
            self.ends.sort_by_key(|end| match place(end) {
                "carrier" => 0,
                "your_network" => 1,
                "dmz" | "vpn_pool" => 2,
                "microsoft" => 4,
                _ => 3,
            });
        }
    }

    fn measure(&mut self) {
        let widest = |texts: &mut dyn Iterator<Item = String>| texts.map(|text| width::of(&text)).max().unwrap_or(0);
        self.records = widest(&mut self.rows.iter().map(|row| row.record.to_string())).max(3);
        let rows = 0..self.rows.len();
        self.times = [widest(&mut rows.clone().map(|i| self.offset(i))).max(4), widest(&mut rows.map(|i| self.delta(i))).max(5)];
        self.marks = widest(&mut self.rows.iter().map(marks)).min(18);
        let room = self.pen.width.saturating_sub(self.left() + if self.marks > 0 { self.marks + 2 } else { 0 } + 1);
        self.spacing = (room / self.ends.len().saturating_sub(1).max(1)).min(SPACING[1]);
    }

    /// First column of the lifelines.
    fn left(&self) -> usize {
        self.records + self.times.iter().sum::<usize>() + 6
    }

    fn is_list(&self) -> bool {
        self.spacing < SPACING[0]
    }

    fn end<'t>(&self, endpoint: &'t str) -> &'t str {
        if self.by_port { endpoint } else { ip(endpoint) }
    }

    fn column(&self, endpoint: &str) -> usize {
        let end = self.end(endpoint);
        self.ends.iter().position(|known| known == end).unwrap_or(0)
    }

    fn offset(&self, i: usize) -> String {
        let start = self.rows.first().map_or(Timestamp(0), |row| row.at);
        self.rows.get(i).map(|row| when::seconds(row.at - start)).unwrap_or_default()
    }

    fn delta(&self, i: usize) -> String {
        let Some(before) = i.checked_sub(1).and_then(|i| self.rows.get(i)) else { return String::new() };
        let span = self.rows.get(i).map_or(Span(0), |row| row.at - before.at);
        format!("{}{}", if span.0 < 0 { "" } else { "+" }, when::seconds(span))
    }

    fn parts(&self) -> Vec<Part<'a>> {
        let all = self.rows.iter().enumerate();
        if self.rows.len() <= MAX_ROWS {
            return all.map(|(i, row)| Part::Row(i, row)).collect();
        }
        let (head, tail) = (MAX_ROWS - 2 * TAIL, self.rows.len() - TAIL);
        let mut marked = 0;
        let mut parts = Vec::new();
        for (i, row) in all {
            marked += usize::from(!row.findings.is_empty() && (head..tail).contains(&i));
            if i < head || i >= tail || (!row.findings.is_empty() && marked <= TAIL) {
                parts.push(Part::Row(i, row));
            } else if let Some(Part::LeftOut(n)) = parts.last_mut() {
                *n += 1;
            } else {
                parts.push(Part::LeftOut(1));
            }
        }
        parts
    }

    fn header(&self, out: &mut dyn Write) -> io::Result<()> {
        let titles = [width::right("rec", self.records), width::right("time", self.times[0]), width::right("delta", self.times[1])];
        let names: Vec<String> = self.ends.iter().map(|end| escape(end).into_owned()).collect();
        if self.is_list() {
            return self.pen.line().put(style::DIM, &titles.join("  ")).write(out);
        }
        let widest = names.iter().map(|name| width::of(name)).max().unwrap_or(0);
        let places: Vec<String> = self.ends.iter().map(|end| escape(self.places.get(ip(end)).unwrap_or(&"")).into_owned()).collect();
        let mut first = self.pen.line();
        first.put(style::DIM, &titles.join("  "));
        if widest >= self.spacing {
            let letters: Vec<String> = (0..self.ends.len()).map(letter).collect();
            for ((letter, name), place) in letters.iter().zip(&names).zip(&places) {
                let lead = self.pen.line().put(style::STRONG, &format!("{letter}  ")).take();
                self.pen.paragraph(out, lead, style::PLAIN, &format!("{name} {place}"))?;
            }
            return self.centred(first, &letters, style::STRONG).write(out);
        }
        self.centred(first, &names, style::STRONG).write(out)?;
        if places.iter().all(String::is_empty) { Ok(()) } else { self.centred(self.pen.line(), &places, style::DIM).write(out) }
    }

    /// Texts over their lifelines, moved inwards at the edges.
    fn centred(&self, mut line: Line, texts: &[String], style: Style) -> Line {
        let end = self.at(texts.len().saturating_sub(1)) + 1;
        for (i, text) in texts.iter().enumerate() {
            let text = width::fit_middle(text, self.spacing.saturating_sub(1));
            let columns = width::of(&text);
            let start = self.at(i).saturating_sub(columns / 2).clamp(self.left(), end.saturating_sub(columns).max(self.left()));
            line.to(start).put(style, &text);
            if i + 1 < texts.len() {
                line.put(style::PLAIN, " ");
            }
        }
        line
    }

    fn gap(&self, n: usize, out: &mut dyn Write) -> io::Result<()> {
        let text = format!("… {} left out …", counted(n as u64, "row", "rows"));
        self.pen.line().to(self.left()).put(style::DIM, &text).write(out)
    }

    fn row(&self, i: usize, row: &LadderRow, out: &mut dyn Write) -> io::Result<()> {
        let mut line = self.pen.line();
        line.put(style::DIM, &width::right(&record(row.record), self.records)).put(style::PLAIN, "  ");
        line.put(style::DIM, &width::right(&self.offset(i), self.times[0])).put(style::PLAIN, "  ");
        line.put(style::DIM, &width::right(&self.delta(i), self.times[1])).put(style::PLAIN, "  ");
        let (text, style) = self.label(row);
        if self.is_list() {
            let text = format!("{} > {}: {text} {}", escape(&row.from), escape(&row.to), marks(row));
            return self.pen.paragraph(out, line, style, &text);
        }
        let (from, to) = (self.column(&row.from), self.column(&row.to));
        let (low, high) = (from.min(to), from.max(to));
        if low == high {
            self.note(&mut line, low, &text, style);
        } else {
            self.lifelines(&mut line, 0..low);
            let inner = (high - low) * self.spacing - 1;
            line.to(self.at(low)).put(style::PLAIN, "│").put(style, &arrow(&text, inner, from < to, shaft(row))).put(style::PLAIN, "│");
        }
        self.lifelines(&mut line, high + 1..self.ends.len());
        if !row.findings.is_empty() {
            line.to(self.at(self.ends.len().saturating_sub(1)) + 3).put(self.severity(row), &width::fit(&marks(row), self.marks));
        }
        line.write(out)
    }

    fn lifelines(&self, line: &mut Line, columns: std::ops::Range<usize>) {
        for column in columns {
            line.to(self.at(column)).put(style::DIM, "│");
        }
    }

    /// Where lifeline `column` stands.
    fn at(&self, column: usize) -> usize {
        self.left() + column * self.spacing
    }

    /// A row from an address to itself: the label beside the lifeline, on the side that has room.
    fn note(&self, line: &mut Line, column: usize, text: &str, style: Style) {
        let text = width::fit(text, self.spacing.saturating_sub(4));
        self.lifelines(line, 0..column);
        if column == 0 || column + 1 < self.ends.len() {
            line.to(self.at(column)).put(style::PLAIN, "│").put(style, &format!("└ {text}"));
        } else {
            line.to(self.at(column).saturating_sub(width::of(&text) + 2)).put(style, &format!("{text} ┘")).put(style::PLAIN, "│");
        }
    }

    fn label(&self, row: &LadderRow) -> (String, Style) {
        let early = is_media(row) && self.early_until.is_some_and(|answered| row.at < answered);
        let label = brief(&row.label, self.pen.width);
        let text = format!("{}{label}{}", if early { "early " } else { "" }, if row.retransmission { " (again)" } else { "" });
        let style = match row {
            _ if row.retransmission => style::DIM,
            _ if is_media(row) => style::MEDIA,
            _ => of_message(&row.label),
        };
        (text, style)
    }

    fn severity(&self, row: &LadderRow) -> Style {
        row.findings.iter().filter_map(|id| self.severities.get(id.as_str())).max().map_or(style::STRONG, |s| style::of(*s))
    }
}

/// When early media ends: at the answer, or never.
fn answered(call: &CallEntry<'_>) -> Timestamp {
    call.answered.as_deref().and_then(when::parse).unwrap_or(Timestamp(i64::MAX))
}

/// `A`, `B` … `Z`, `27`.
fn letter(i: usize) -> String {
    u8::try_from(i).ok().filter(|i| *i < 26).map_or_else(|| (i + 1).to_string(), |i| char::from(b'A' + i).to_string())
}

/// `! DR001 DR010`, each rule once.
fn marks(row: &LadderRow) -> String {
    let mut rules: Vec<String> = row.findings.iter().map(|id| short(id)).collect();
    rules.dedup();
    if rules.is_empty() { String::new() } else { format!("! {}", rules.join(" ")) }
}

fn record(id: RecordId) -> String {
    id.to_string()
}

fn is_media(row: &LadderRow) -> bool {
    row.label.starts_with("RTP") || row.label.starts_with("SRTP")
}

fn shaft(row: &LadderRow) -> char {
    match row {
        _ if is_media(row) => '═',
        _ if row.retransmission => '╌',
        _ => '─',
    }
}

/// Requests bold, failures red, success green, provisional plain.
fn of_message(label: &str) -> Style {
    match label.as_bytes() {
        [b'4'..=b'6', b'0'..=b'9', ..] => style::ERROR,
        [b'2', b'0'..=b'9', ..] => style::of_outcome("answered"),
        [b'0'..=b'9', ..] => style::PLAIN,
        _ => style::REQUEST,
    }
}

/// `── INVITE ─────>` over exactly `columns`.
fn arrow(label: &str, columns: usize, rightwards: bool, shaft: char) -> String {
    let text = width::fit(label, columns.saturating_sub(5));
    let rest = columns.saturating_sub(width::of(&text) + 3);
    let (before, after) = (rest / 2, rest - rest / 2);
    let bar = |n: usize| String::from(shaft).repeat(n);
    if rightwards { format!("{} {text} {}>", bar(before), bar(after)) } else { format!("<{} {text} {}", bar(after), bar(before)) }
}

/// The address of `ip:port` or `[v6]:port`.
fn ip(endpoint: &str) -> &str {
    if let Some((ip, _)) = endpoint.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return ip;
    }
    match endpoint.rsplit_once(':') {
        Some((ip, _)) if !ip.contains(':') => ip,
        _ => endpoint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_any_endpoint() {
        assert_eq!(
            ["10.0.0.1:5060", "[2001:db8::1]:5061", "2001:db8::1", "10.0.0.1"].map(ip),
            ["10.0.0.1", "2001:db8::1", "2001:db8::1", "10.0.0.1"]
        );
    }

    #[test]
    fn arrows_fill_their_columns_whatever_the_label() {
        for (label, columns) in [("INVITE", 30), ("183 Session Progress", 12), ("李小龙", 9), ("", 5)] {
            assert_eq!(width::of(&arrow(label, columns, true, '─')), columns, "{label}");
        }
        assert_eq!(arrow("INVITE", 13, true, '─'), "── INVITE ──>");
        assert_eq!(arrow("200 OK", 13, false, '─'), "<── 200 OK ──");
    }
}
