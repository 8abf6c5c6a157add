//! One run over merged inputs: while some windows are applied, the next ones are read and decoded.

use super::{Analysis, Settings, Source, summary::RunFacts};
use crate::decode;
use crate::engine::{Decoded, TICK, par};
use crate::error::Problem;
use crate::record::{InputReport, Interface, Merge, Record, Window};
use crate::report::{InputEntry, Summary};
use std::io::{self, Write};
use std::sync::Arc;

/// Records that are applied at a time: enough that shards have many packets each, and that threads rarely wait for each other.
pub const WINDOW: usize = 16_384;
/// The same where many of them are no plain RTP: what comes of them is larger, and goes on at once.
const WINDOW_OF_OTHERS: usize = 4_096;
/// Of so many packets one that is no plain RTP makes them many.
const MANY: usize = 8;
/// Windows that are applied at a time: each is decoded by one task, as soon as it is read.
const WINDOWS: usize = 4;

/// A capture filter: false for a record that is not looked at.
pub type Filter<'f> = &'f mut (dyn FnMut(&Record<'_>) -> bool + Send);

/// How far a run has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Bytes read, of compressed inputs as they lie on disk.
    pub bytes: u64,
    /// Bytes there are, where that is known.
    pub of: Option<u64>,
    /// Records applied.
    pub records: u64,
}

/// How a run is driven.
pub struct Drive<'d> {
    /// Records that are applied at a time at most.
    pub window: usize,
    /// Capture filter.
    pub filter: Option<Filter<'d>>,
    /// Told after every window.
    pub progress: &'d mut dyn FnMut(Progress),
    /// Takes what the format does not keep for the end of the run.
    pub out: &'d mut (dyn Write + Send),
}

/// Reads all that `merge` has and applies it.
pub fn run(analysis: &mut Analysis, merge: &mut Merge, settings: Settings<'_>, drive: Drive<'_>) -> io::Result<()> {
    let files = merge.paths();
    let mut reading =
        Reading { merge, room: analysis.room(), most: drive.window, others: true, filter: drive.filter, interfaces: Arc::default() };
    let mut next = reading.next();
    while let Some((windows, interfaces)) = next {
        let source = Source { interfaces: &interfaces, files: &files };
        let (read, applied) = par::join(|| reading.next(), || analysis.apply(windows, source, settings));
        applied?;
        next = read;
        analysis.go_on(settings.format, drive.out)?;
        let merge = &reading.merge;
        (drive.progress)(Progress { bytes: merge.bytes_read(), of: merge.bytes_total(), records: analysis.records() });
    }
    analysis.learn(&merge.take_secrets());
    Ok(())
}

/// Closes a run and gives its summary.
pub fn finish(analysis: &mut Analysis, merge: &Merge, settings: Settings<'_>) -> io::Result<Summary> {
    let files = merge.paths();
    let inputs: Vec<InputEntry> = merge.inputs().iter().map(input).collect();
    let run = RunFacts { inputs: &inputs, notes: &merge.notes() };
    analysis.finish(Source { interfaces: merge.interfaces(), files: &files }, settings, &run)
}

/// The reading of windows.
struct Reading<'r, 'f> {
    merge: &'r mut Merge,
    /// Records until the next tick.
    room: usize,
    most: usize,
    /// Many packets of the last windows were no plain RTP.
    others: bool,
    filter: Option<Filter<'f>>,
    interfaces: Arc<[Interface]>,
}

impl Reading<'_, '_> {
    /// The next windows up to a tick at most, decoded, and the interfaces there are by then.
    fn next(&mut self) -> Option<(Vec<Decoded>, Arc<[Interface]>)> {
        let most = if self.others { self.most.min(WINDOW_OF_OTHERS) } else { self.most }.max(1);
        let mut windows = Vec::with_capacity(WINDOWS);
        let at_most = most.div_ceil(WINDOWS);
        self.read(at_most, most / at_most, &mut windows);
        windows.reverse();
        let others: usize = windows.iter().map(Decoded::n_others).sum();
        let records: usize = windows.iter().map(|decoded| decoded.window().heads.len()).sum();
        self.others = others > records / MANY;
        if *self.merge.interfaces() != *self.interfaces {
            self.interfaces = self.merge.interfaces().into();
        }
        (records > 0).then(|| (windows, Arc::clone(&self.interfaces)))
    }

    /// Reads up to `n` windows of at most so many records; they come last first. One thread reads on while others that are free decode
    /// what was read; what is left it decodes in the end, the last first, whose bytes are still in its cache.
    fn read(&mut self, at_most: usize, n: usize, windows: &mut Vec<Decoded>) {
        let Some(window) = self.merge.next_window(self.room.min(at_most)) else { return };
        let left = self.room - window.heads.len();
        self.room = if left == 0 { TICK as usize } else { left };
        let mask = self.filter.as_mut().map(|filter| mask(&window, filter));
        let decode = || Decoded::of(window, mask.as_deref());
        let behind = || {
            if n > 1 && left > 0 {
                self.read(at_most, n - 1, windows);
            }
        };
        let ((), decoded) = par::join(behind, decode);
        windows.push(decoded);
    }
}

fn mask(window: &Window, filter: &mut Filter<'_>) -> Vec<bool> {
    (0..window.heads.len()).map(|i| window.record(i).is_none_or(|record| filter(&record))).collect()
}

fn input(report: &InputReport) -> InputEntry {
    InputEntry {
        path: report.path.clone(),
        format: report.format.map(|format| format.to_string()),
        compression: report.compression.map(|compression| compression.to_string()),
        records: report.records,
        bytes: report.bytes,
        first: report.first.map(|at| at.rfc3339()),
        last: report.last.map(|at| at.rfc3339()),
        complete: report.complete,
        problem: report.problem.as_ref().map(problem).or_else(|| unsupported(report)),
    }
}

fn problem(problem: &Problem) -> String {
    match problem.offset {
        0 => problem.text.clone(),
        offset => format!("{} (at byte {offset})", problem.text),
    }
}

/// No interface of the input has a link type that is decoded: none of its records could be read.
fn unsupported(report: &InputReport) -> Option<String> {
    let none = report.records > 0 && !report.links.iter().any(|link| decode::supported(*link));
    none.then(|| {
        let links: Vec<String> = report.links.iter().map(|link| link.0.to_string()).collect();
        format!("link type {} is not supported: capture on an Ethernet, IP or Linux cooked interface", links.join(", "))
    })
}
