//! Reports: plain data in the user's vocabulary, and one writer per format. Writers only write.
//!
//! A report is made in two steps, so that memory is bounded by what is open at one time: judges [`Format::render`] the entries of
//! one ended call, in parallel; the rendered entries lie in a [`spool::Spool`] until [`Format::finish`] writes the whole, sorted by
//! first record. What a format need not sort among all calls it writes before, in [`Format::go_on`].

use crate::finding::{Finding, Severity};
use crate::record::{RecordId, Seq};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

mod compact;
pub mod control;
pub mod draft;
pub mod entry;
pub mod escape;
pub mod json;
pub mod jsonl;
mod media;
#[cfg(test)]
mod sample;
pub mod spool;
pub mod survey;
pub mod terminal;
mod text;
pub mod tls;
mod totals;
pub mod width;

pub use control::*;
pub use entry::*;
pub use media::*;
pub use survey::*;
pub use text::Text;
pub use tls::*;
pub use totals::*;

/// Everything that is reported of one ended call, or of one connection that nobody could read (then `call` is `None`).
#[derive(Debug, Clone, Default)]
pub struct CallReport<'a> {
    /// Seq of its first record: the sort key.
    pub first: Seq,
    /// The call itself.
    pub call: Option<CallEntry<'a>>,
    /// Its streams, each with its own sort key.
    pub streams: Vec<(Seq, StreamEntry<'a>)>,
    /// Its hops, each with its own sort key.
    pub hops: Vec<(Seq, HopEntry<'a>)>,
    /// Its findings, not yet grouped with those of other calls.
    pub findings: Cow<'a, [Finding]>,
    /// Its scenario and how it compares with the expected segments, in words: `TD1/TD2: match`.
    pub scenario: Option<String>,
    /// Its messages and media as a ladder, in order of time.
    pub ladder: Vec<LadderRow>,
    /// What it shows of the network, for a format that asks.
    pub survey: Option<Survey>,
}

/// One row of a call's ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LadderRow {
    /// Capture time.
    pub at: Timestamp,
    /// The record.
    pub record: RecordId,
    /// Sender, `ip:port`.
    pub from: String,
    /// Receiver, `ip:port`.
    pub to: String,
    /// `INVITE`, `200 OK`, `RTP PCMU 500 packets` …
    pub label: String,
    /// A retransmission of an earlier row.
    pub retransmission: bool,
    /// Ids of the findings that name this record.
    pub findings: Vec<String>,
}

/// What is known when all calls are judged.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// The inputs, in the order given.
    pub inputs: Vec<InputEntry>,
    /// The taps, in order of first sight.
    pub taps: Vec<TapEntry>,
    /// The ledger.
    pub ledger: LedgerEntry,
    /// The findings, grouped, in order of first record.
    pub findings: Vec<FindingEntry>,
    /// Each rule's outcomes.
    pub checks: BTreeMap<String, CheckEntry>,
    /// Findings that the site has accepted, in the order of its file.
    pub waivers: Vec<WaiverEntry>,
    /// Totals.
    pub totals: Totals,
    /// What a reader should know of the run: files skipped, drops by the capturing system, prefix list and its date …
    pub notes: Vec<String>,
}

/// Rendered entries of some calls, by section of the format that made them.
#[derive(Debug, Default)]
pub struct Rendered(pub Vec<spool::Part>);

impl Rendered {
    /// Adds an entry of `section` that sorts by `first`: what `write` appends.
    pub fn entry(&mut self, section: usize, first: Seq, write: impl FnOnce(&mut Vec<u8>)) {
        if self.0.len() <= section {
            self.0.resize_with(section + 1, spool::Part::default);
        }
        if let Some(part) = self.0.get_mut(section) {
            part.entry(first, write);
        }
    }
}

/// A report format: one file each.
pub trait Format: Sync {
    /// How many sections it spools.
    fn sections(&self) -> usize;
    /// It shows ladders; else none are drawn up.
    fn ladders(&self) -> bool {
        false
    }
    /// It tells what is seen of the network; else none is gathered.
    fn surveys(&self) -> bool {
        false
    }
    /// Whether it shows more than kind, findings and hops of a call that begins at `first`; else its other entries are not made.
    fn shows(&self, _first: Seq, _findings: &[Finding]) -> bool {
        true
    }
    /// Renders the entries of one ended call.
    fn render(&self, call: &CallReport<'_>, out: &mut Rendered);
    /// Writes what need not wait for the end of the run, and takes it out of its section. Whatever is written is flushed.
    fn go_on(&self, _sections: &mut [spool::Spool], _out: &mut dyn io::Write) -> io::Result<()> {
        Ok(())
    }
    /// Writes the report, or what is left of it. `sections[i]` gives the entries rendered for section `i`, in order of first record.
    fn finish(&self, summary: &Summary, sections: &mut [spool::Spool], out: &mut dyn io::Write) -> io::Result<()>;
}

/// Counts of findings by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BySeverity {
    /// Errors.
    pub error: u64,
    /// Warnings.
    pub warning: u64,
    /// Advice.
    pub info: u64,
}

impl BySeverity {
    /// Counts one finding.
    pub fn count(&mut self, severity: Severity) {
        match severity {
            Severity::Error => self.error += 1,
            Severity::Warning => self.warning += 1,
            Severity::Info => self.info += 1,
        }
    }
}
