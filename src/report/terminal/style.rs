//! The colours of the terminal report, and the pen that applies them or not.

use crate::finding::Severity;
use crate::report::width;
use anstyle::{AnsiColor, Color};
use std::fmt::Write as _;
use std::io::{self, Write};

pub use anstyle::Style;

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(colour)))
}

/// Ordinary text.
pub const PLAIN: Style = Style::new();
/// Headings of sections.
pub const HEADING: Style = Style::new().bold().underline();
/// What the eye should find first.
pub const STRONG: Style = Style::new().bold();
/// What is there for the second look.
pub const DIM: Style = Style::new().dimmed();
/// Errors, and inputs that were not read to their end.
pub const ERROR: Style = colour(AnsiColor::Red).bold();
/// Warnings.
pub const WARNING: Style = colour(AnsiColor::Yellow).bold();
/// Advice.
pub const INFO: Style = colour(AnsiColor::Cyan).bold();
/// Nothing found.
pub const GOOD: Style = colour(AnsiColor::Green).bold();
/// Media in ladders.
pub const MEDIA: Style = colour(AnsiColor::Cyan);
/// Requests in ladders.
pub const REQUEST: Style = Style::new().bold();

/// The colour of a severity.
pub fn of(severity: Severity) -> Style {
    match severity {
        Severity::Error => ERROR,
        Severity::Warning => WARNING,
        Severity::Info => INFO,
    }
}

/// The colour of an outcome, as sngrep paints call states.
pub fn of_outcome(outcome: &str) -> Style {
    match outcome.split(' ').next().unwrap_or_default() {
        "answered" => colour(AnsiColor::Green),
        "rejected" | "failed" | "cancelled" => colour(AnsiColor::Red),
        "no_answer" | "in_progress" => colour(AnsiColor::Yellow),
        "redirected" => colour(AnsiColor::Cyan),
        _ => PLAIN,
    }
}

/// How wide lines may be, and whether they have colours.
#[derive(Debug, Clone, Copy)]
pub struct Pen {
    /// Columns of a line.
    pub width: usize,
    /// Write escape sequences.
    pub color: bool,
}

/// One line in the making; its width is that of the text without colours.
#[derive(Debug)]
pub struct Line {
    text: String,
    width: usize,
    color: bool,
}

impl Pen {
    /// An empty line.
    pub fn line(self) -> Line {
        Line { text: String::new(), width: 0, color: self.color }
    }

    /// A heading after a blank line.
    pub fn heading(self, out: &mut dyn Write, text: &str, after: &str) -> io::Result<()> {
        writeln!(out)?;
        let room = self.width.saturating_sub(width::of(text) + 2);
        self.line().put(HEADING, text).put(PLAIN, "  ").put(DIM, &width::fit(after, room)).write(out)
    }

    /// `lead`, then `text` wrapped in the columns after it; after a long lead the other lines begin at a third of the width.
    pub fn paragraph(self, out: &mut dyn Write, lead: Line, style: Style, text: &str) -> io::Result<()> {
        let indent = lead.width.min(self.width / 3);
        self.hanging(out, lead, indent, style, text)
    }

    /// `lead`, then `text` wrapped, its lines from the second on indented.
    pub fn hanging(self, out: &mut dyn Write, lead: Line, indent: usize, style: Style, text: &str) -> io::Result<()> {
        let rows = width::wrap(text, self.width.saturating_sub(lead.width), self.width.saturating_sub(indent));
        self.rows(out, lead, indent, style, &rows)
    }

    /// [`Pen::paragraph`] that breaks no word: for what is copied and pasted.
    pub fn verbatim(self, out: &mut dyn Write, lead: Line, style: Style, text: &str) -> io::Result<()> {
        let indent = lead.width;
        self.rows(out, lead, indent, style, &width::wrap_whole_words(text, self.width.saturating_sub(indent)))
    }

    fn rows(self, out: &mut dyn Write, mut lead: Line, indent: usize, style: Style, rows: &[String]) -> io::Result<()> {
        for row in rows {
            lead.put(style, row).write(out)?;
            lead = self.line().to(indent).take();
        }
        Ok(())
    }
}

impl Line {
    /// Appends escaped text.
    pub fn put(&mut self, style: Style, text: &str) -> &mut Self {
        self.width += width::of(text);
        if self.color && style != PLAIN && !text.is_empty() {
            write!(self.text, "{style}{text}{style:#}").expect("a String takes all text");
        } else {
            self.text.push_str(text);
        }
        self
    }

    /// Spaces up to `column`.
    pub fn to(&mut self, column: usize) -> &mut Self {
        let gap = column.saturating_sub(self.width);
        self.put(PLAIN, &" ".repeat(gap))
    }

    /// Columns written so far.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Moves the line out of a chain of calls.
    pub fn take(&mut self) -> Line {
        let empty = Line { text: String::new(), width: 0, color: self.color };
        std::mem::replace(self, empty)
    }

    /// Writes the line and its end, without spaces before it.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.text.trim_end())
    }
}
