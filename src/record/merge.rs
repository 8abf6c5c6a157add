//! The records of all inputs in the one order: merged by (running maximum of time, input, number), opened when their time comes.

use super::inputs::{InputReport, note};
use super::secrets::{self, Text};
use super::source::{Begin, Fit, SameLink, Signature, Sources};
use super::tally::Stop;
use super::walk::{Ask, Walk};
use super::{Interface, Seq, SourceId, Window};
use crate::error::{Error, Problem};
use crate::input::{BLOCK_SIZE, Blocks, Discovery, Found, Origin, Spawn, glance, open};
use crate::time::{Span, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

/// Packets of several queues are written slightly out of order: a file of a rotated set that begins this much before the one
/// before it ends is still its continuation.
const GRACE: Span = Span::millis(100);
/// So much longer than the overlap must the file before be; captures of two taps overlap for most of their length.
const GRACE_SHARE: i64 = 8;
/// Heads that a window has room for from the start.
const WINDOW_ROOM: usize = 1 << 16;
/// Records of the windows that are read over.
const SKIP_WINDOW: u64 = 4_096;

/// How to read.
pub struct Options {
    /// Merged records to stop after (`-c`).
    pub stop_after: Option<u64>,
    /// Whether the topology's `link.file` globs leave two paths on one link; two inputs that it parts are two sources.
    pub same_link: SameLink,
    /// Sources of an earlier run that the inputs of this one may continue.
    pub sources: Sources,
    /// Bytes read at a time from what is not mapped.
    pub(crate) block_size: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { stop_after: None, same_link: Box::new(|_, _| true), sources: Sources::default(), block_size: BLOCK_SIZE }
    }
}

impl Options {
    /// Stop after so many merged records; `same_link` parts inputs into sources.
    pub fn new(stop_after: Option<u64>, same_link: SameLink) -> Self {
        Self { stop_after, same_link, ..Self::default() }
    }
}

/// All inputs, read as one.
pub struct Merge {
    found: Vec<Found>,
    notes: Vec<String>,
    options: Options,
    spawn: Spawn,
    /// Inputs that have not begun, in order of their first records.
    pending: VecDeque<Pending>,
    /// Inputs that begin when another, which is about to end, has ended: by that other's index.
    behind: BTreeMap<u32, Pending>,
    active: BTreeMap<u32, Active>,
    /// Each active input under the merge key of its next record, or a lower bound of it.
    order: BinaryHeap<Reverse<(Timestamp, u32)>>,
    reports: Vec<InputReport>,
    input_notes: BTreeMap<u32, String>,
    finished_bytes: u64,
    /// Key logs that stood behind the last record of an input.
    secrets: Vec<Text>,
    seq: u64,
    windows: u64,
}

/// An input whose first record is known. Files are closed meanwhile; streams cannot be opened twice.
struct Pending {
    index: u32,
    first: Timestamp,
    signature: Signature,
    stream: Option<Walk>,
}

struct Active {
    walk: Walk,
    source: SourceId,
}

impl Merge {
    /// Looks at the first record of every input. Inputs that cannot be read are reported by [`Merge::inputs`]; fails only when
    /// there are more than can be numbered.
    pub fn open(discovery: Discovery, spawn: Spawn, options: Options) -> Result<Merge, Error> {
        let n = u32::try_from(discovery.inputs.len()).map_err(|_| Error::Input("more inputs than can be numbered".to_owned()))?;
        let mut merge = Merge {
            reports: discovery.inputs.iter().map(InputReport::unread).collect(),
            found: discovery.inputs,
            notes: discovery.notes,
            options,
            spawn,
            pending: VecDeque::new(),
            behind: BTreeMap::new(),
            active: BTreeMap::new(),
            order: BinaryHeap::new(),
            input_notes: BTreeMap::new(),
            finished_bytes: 0,
            secrets: Vec::new(),
            seq: 0,
            windows: 0,
        };
        merge.look_at_all(n);
        Ok(merge)
    }

    fn look_at_all(&mut self, n: u32) {
        // Every stream is opened before the first is waited for: one writer may feed several.
        let opened: Vec<_> = (0..n).filter_map(|index| Some((index, self.open_first(index)?))).collect();
        let mut pending: Vec<_> = opened.into_iter().filter_map(|(index, blocks)| self.look_at(index, blocks)).collect();
        pending.sort_by_key(|pending| (pending.first, pending.index));
        self.pending = pending.into();
    }

    /// Opens a stream, or gives `None` inside for a file, which is looked at later; `None` for what cannot be read.
    fn open_first(&mut self, index: u32) -> Option<Option<Blocks>> {
        let found = self.found.get(index as usize)?;
        match found.origin {
            Origin::Unreadable(_) => None,
            Origin::File { .. } => Some(None),
            Origin::Stdin | Origin::Pipe(_) => open(found, self.spawn, self.options.block_size).ok().map(Some),
        }
    }

    /// Walks up to the first record. An input without any is finished with that.
    fn look_at(&mut self, index: u32, stream: Option<Blocks>) -> Option<Pending> {
        let is_stream = stream.is_some();
        let blocks = match (stream, self.found.get(index as usize).map(|found| &found.origin)) {
            (Some(blocks), _) => blocks,
            (None, Some(Origin::File { path, .. })) => match glance(path) {
                Ok(blocks) => blocks,
                Err(problem) => {
                    self.refuse(index, problem);
                    return None;
                }
            },
            _ => return None,
        };
        let mut walk = Walk::open(blocks, index);
        // Interfaces are numbered when an input begins, so these numbers are of no account.
        match walk.peek(&mut Sources::default()) {
            Some(first) => Some(Pending { index, first, signature: walk.signature(), stream: is_stream.then_some(walk) }),
            None => {
                self.close(index, &walk);
                None
            }
        }
    }

    /// The next records of the merged order, at most `at_most` and at least one; `None` when there are no more.
    pub fn next_window(&mut self, at_most: usize) -> Option<Window> {
        let left = self.options.stop_after.map_or(u64::MAX, |stop| stop.saturating_sub(self.seq));
        let full = usize::try_from(left).unwrap_or(usize::MAX).min(at_most.max(1));
        let heads = Vec::with_capacity(full.min(WINDOW_ROOM));
        let mut window = Window { first: Seq(self.seq), heads, ..Window::default() };
        self.windows += 1;
        while window.heads.len() < full {
            self.begin_due();
            let Some(Reverse((key, index))) = self.order.pop() else { break };
            let ask = Ask { window: self.windows, full, limit: self.limit(index) };
            let Some(active) = self.active.get_mut(&index) else { continue };
            match active.walk.fill(&mut window, ask, &mut self.options.sources) {
                Stop::Limit(next) => self.order.push(Reverse((next, index))),
                // The next key is no lower than this one; looking for it could wait on a pipe.
                Stop::Full => self.order.push(Reverse((key, index))),
                _ => self.finish(index),
            }
        }
        if !window.heads.is_empty() {
            window.secrets.append(&mut self.secrets);
        }
        self.seq += window.heads.len() as u64;
        (!window.heads.is_empty()).then_some(window)
    }

    /// Reads over `n` records of the merged order and says how many there were: where a saved state goes on.
    pub fn skip(&mut self, n: u64) -> u64 {
        let mut left = n;
        while left > 0 {
            let Some(window) = self.next_window(left.min(SKIP_WINDOW) as usize) else { break };
            left -= window.heads.len() as u64;
        }
        n - left
    }

    /// The highest key that input `index` may give before another has its turn.
    fn limit(&self, index: u32) -> Timestamp {
        let active = self.order.peek().map(|Reverse(next)| *next);
        let pending = self.pending.front().map(|pending| (pending.first, pending.index));
        match active.into_iter().chain(pending).min() {
            Some((key, other)) if index < other => key,
            Some((key, _)) => Timestamp(key.0.saturating_sub(1)),
            None => Timestamp(i64::MAX),
        }
    }

    /// Begins the inputs whose first record is next.
    fn begin_due(&mut self) {
        while let Some(next) = self.pending.front() {
            if self.order.peek().is_some_and(|Reverse(active)| *active < (next.first, next.index)) {
                return;
            }
            if let Some(next) = self.pending.pop_front() {
                self.place(next);
            }
        }
    }

    /// Finds the source that an input continues: one that has ended, or one that is about to.
    fn place(&mut self, next: Pending) {
        let Some(path) = self.found.get(next.index as usize).map(|found| found.path.clone()) else { return };
        let begin = Begin::new(&path, &next.signature, next.first);
        let ended = self.options.sources.continued(&begin, &self.options.same_link);
        let ending = self.ending(&begin, next.first);
        match (ended, ending) {
            (ended, Some((fit, before))) if ended.is_none_or(|(other, _)| fit > other) => {
                self.behind.insert(before, next);
            }
            (ended, _) => self.begin(next, ended.map(|(_, source)| source)),
        }
    }

    /// The active input of the same rotated set that ends within the grace time.
    fn ending(&mut self, begin: &Begin<'_>, first: Timestamp) -> Option<(Fit, u32)> {
        let (sources, same_link) = (&mut self.options.sources, &self.options.same_link);
        let mut best = None;
        for (index, Active { walk, source }) in &mut self.active {
            let one_set = sources.fit(*source, first, begin, same_link).is_some_and(|(one_set, ..)| one_set);
            if one_set && !self.behind.contains_key(index) && walk.ends_by(first + GRACE, sources) {
                let (overlap, whole) = (walk.tally.run - first, walk.tally.latest - walk.tally.earliest);
                let fit = sources.fit(*source, walk.tally.run, begin, same_link);
                best = best.max(fit.filter(|_| overlap.0.saturating_mul(GRACE_SHARE) <= whole.0).map(|fit| (fit, *index)));
            }
        }
        best
    }

    /// Opens an input, as the continuation of `source` or as a source of its own.
    fn begin(&mut self, next: Pending, source: Option<SourceId>) {
        let Some(found) = self.found.get(next.index as usize) else { return };
        let stream = next.stream.map_or_else(|| open(found, self.spawn, self.options.block_size).map(|b| Walk::open(b, next.index)), Ok);
        let mut walk = match stream {
            Ok(walk) => walk,
            Err(problem) => return self.refuse(next.index, problem),
        };
        let begin = Begin::new(&found.path, &next.signature, next.first);
        let sources = &mut self.options.sources;
        let (source, floor) = match source {
            Some(source) => (source, sources.resume(source, &begin)),
            None => (sources.open(&begin), None),
        };
        walk.bind(source, floor, sources);
        self.order.push(Reverse((next.first.max(walk.tally.run), next.index)));
        self.active.insert(next.index, Active { walk, source });
    }

    /// An input has been read to its end: its bytes are let go, and what waited for it begins.
    fn finish(&mut self, index: u32) {
        let Some(Active { mut walk, source }) = self.active.remove(&index) else { return };
        self.secrets.append(&mut walk.take_secrets());
        self.close(index, &walk);
        self.options.sources.end(source, walk.tally.run, walk.signature());
        if let Some(next) = self.behind.remove(&index) {
            self.begin(next, Some(source));
        }
    }

    fn close(&mut self, index: u32, walk: &Walk) {
        let (Some(report), Some(found)) = (self.reports.get_mut(index as usize), self.found.get(index as usize)) else { return };
        report.read(walk);
        self.finished_bytes += if let Origin::File { size, .. } = found.origin { size } else { walk.consumed() };
        if let Some(note) = note(&found.path, walk) {
            self.input_notes.insert(index, note);
        }
    }

    fn refuse(&mut self, index: u32, problem: Problem) {
        if let Some(report) = self.reports.get_mut(index as usize) {
            report.problem = Some(problem);
        }
    }

    /// What is told of each input, in their order; of those still being read, as far as they were.
    pub fn inputs(&self) -> Vec<InputReport> {
        let mut reports = self.reports.clone();
        for (index, active) in &self.active {
            if let Some(report) = reports.get_mut(*index as usize) {
                report.read(&active.walk);
            }
        }
        reports
    }

    /// Key logs that stood behind the last record of all.
    pub fn take_secrets(&mut self) -> Vec<Text> {
        std::mem::take(&mut self.secrets)
    }

    /// An input is a pipe.
    pub fn has_streams(&self) -> bool {
        self.found.iter().any(|found| matches!(found.origin, Origin::Stdin | Origin::Pipe(_)))
    }

    /// Finds the key logs that stand in an input, by its number; in files alone, streams cannot be read twice.
    pub fn secrets(&self) -> impl FnMut(u32) -> Vec<Text> + Send + Sync + 'static {
        let path = |found: &Found| if let Origin::File { path, .. } = &found.origin { Some(path.clone()) } else { None };
        let files: Vec<_> = self.found.iter().map(path).collect();
        move |input| files.get(input as usize).and_then(Option::as_ref).map(|path| secrets::of_file(path)).unwrap_or_default()
    }

    /// Paths of the inputs, by number.
    pub fn paths(&self) -> Vec<String> {
        self.found.iter().map(|found| found.path.clone()).collect()
    }

    /// All interfaces so far; [`super::InterfaceId`] is the index.
    pub fn interfaces(&self) -> &[Interface] {
        self.options.sources.interfaces()
    }

    /// Sources and interfaces so far: what a later run continues.
    pub fn sources(&self) -> &Sources {
        &self.options.sources
    }

    /// What is worth a line although no input is at fault: skipped files, empty captures, times that go back.
    pub fn notes(&self) -> Vec<String> {
        self.notes.iter().chain(self.input_notes.values()).cloned().collect()
    }

    /// Bytes taken from files and pipes so far, packed where they are packed.
    pub fn bytes_read(&self) -> u64 {
        self.finished_bytes + self.active.values().map(|active| active.walk.consumed()).sum::<u64>()
    }

    /// Bytes of all files; `None` when an input has no known length.
    pub fn bytes_total(&self) -> Option<u64> {
        self.found.iter().try_fold(0, |sum, found| match found.origin {
            Origin::Stdin | Origin::Pipe(_) => None,
            Origin::File { size, .. } => Some(sum + size),
            Origin::Unreadable(_) => Some(sum),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::discover;
    use crate::record::LinkType;
    use crate::record::bytes::Order;
    use crate::record::synth::{Ng, simple};
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime};

    fn spawn(task: Box<dyn FnOnce() + Send + 'static>) {
        std::thread::spawn(task);
    }

    /// A folder of files that are old enough to be mapped.
    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn put(&self, name: &str, bytes: &[u8]) -> String {
            let path = self.0.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, bytes).unwrap();
            let file = std::fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(3_600)).unwrap();
            path.display().to_string()
        }
    }

    fn open_with(paths: &[String], options: Options) -> Merge {
        Merge::open(discover(paths).unwrap(), spawn, options).unwrap()
    }

    fn open_all(paths: &[String]) -> Merge {
        open_with(paths, Options::default())
    }

    /// (input, number, interface) and times of every record, with all that must hold in any merge.
    fn drain(merge: &mut Merge, at_most: usize) -> Vec<(u32, u64, u32, i64)> {
        let mut all: Vec<(u32, u64, u32, i64)> = Vec::new();
        let mut clock = Timestamp(i64::MIN);
        let start = merge.seq;
        while let Some(window) = merge.next_window(at_most) {
            assert!((1..=at_most).contains(&window.heads.len()));
            assert!(window.blocks.len() <= window.heads.len());
            for i in 0..window.heads.len() {
                let record = window.record(i).expect("heads point into their blocks");
                clock = clock.max(record.at);
                assert_eq!((record.clock, record.seq), (clock, Seq(start + all.len() as u64)));
                all.push((record.id.input, record.id.number, record.interface.0, record.at.0));
            }
        }
        all
    }

    fn ids(all: &[(u32, u64, u32, i64)]) -> Vec<(u32, u64)> {
        all.iter().map(|(input, number, ..)| (*input, *number)).collect()
    }

    fn sources(merge: &Merge) -> Vec<u32> {
        merge.interfaces().iter().map(|i| i.source.0).collect()
    }

    #[test]
    fn merge_and_windows_go_to_other_threads() {
        fn goes<T: Send>() {}
        goes::<Merge>();
        goes::<Window>();
    }

    #[test]
    fn inputs_merge_by_running_maximum_then_input_then_number() {
        let here = Folder::new();
        // Input 0 steps back from 30 to 5: its third record stays behind the second.
        let paths = [here.put("a", &simple(&[10, 30, 5, 40])), here.put("b", &simple(&[10, 29, 30, 31]))];
        for at_most in [1, 2, 3, 100] {
            let mut merge = open_all(&paths);
            let all = drain(&mut merge, at_most);
            assert_eq!(ids(&all), [(0, 1), (1, 1), (1, 2), (0, 2), (0, 3), (1, 3), (1, 4), (0, 4)]);
            assert_eq!(sources(&merge), [0, 1], "inputs that overlap are two sources");
            assert_eq!(merge.notes(), [format!("'{}': times go back 1 times, by at most 0.000025 s", paths[0])]);
        }
    }

    #[test]
    fn a_rotated_set_is_one_source_with_one_interface_whatever_its_order() {
        let here = Folder::new();
        let times: Vec<i64> = (0..100).map(|i| i * 1_000).collect();
        for (i, part) in times.chunks(10).enumerate() {
            here.put(&format!("rot/cap{}", 10 - i), &simple(part));
        }
        let mut merge = open_all(&[here.0.path().join("rot").display().to_string()]);
        let all = drain(&mut merge, 7);
        assert_eq!(all.iter().map(|r| r.3).collect::<Vec<_>>(), times.iter().map(|us| us * 1_000).collect::<Vec<_>>());
        assert_eq!(sources(&merge), [0]);
        assert!(merge.inputs().iter().all(|i| i.complete && i.records == 10));
        assert_eq!(merge.bytes_read(), merge.bytes_total().unwrap());
    }

    #[test]
    fn a_continuation_that_begins_slightly_early_waits_for_the_end() {
        let here = Folder::new();
        // The split falls into a step back; whole and split must read alike.
        let times = [0, 20_000, 30_000, 29_000, 28_500, 40_000];
        let whole = here.put("whole", &simple(&times));
        let split = [here.put("x2", &simple(&times[3..])), here.put("x1", &simple(&times[..3]))];
        let want: Vec<i64> = drain(&mut open_all(&[whole]), 100).iter().map(|r| r.3).collect();
        for at_most in [1, 2, 100] {
            let mut merge = open_all(&split);
            let got: Vec<i64> = drain(&mut merge, at_most).iter().map(|r| r.3).collect();
            assert_eq!((got, sources(&merge)), (want.clone(), vec![0]));
        }
    }

    #[test]
    fn what_overlaps_for_long_or_by_most_of_its_length_is_not_continued() {
        let here = Folder::new();
        let second = 1_000_000;
        for (i, (a, b)) in [([0, 5 * second], [3 * second, 9 * second]), ([0, 50], [10, 60])].into_iter().enumerate() {
            let paths = [here.put(&format!("{i}/a1"), &simple(&a)), here.put(&format!("{i}/a2"), &simple(&b))];
            let mut merge = open_all(&paths);
            assert_eq!(ids(&drain(&mut merge, 10)), [(0, 1), (1, 1), (0, 2), (1, 2)]);
            assert_eq!(sources(&merge), [0, 1]);
        }
    }

    #[test]
    fn two_taps_rotated_side_by_side_stay_two_sources() {
        let here = Folder::new();
        let mut paths = Vec::new();
        for tap in ["east", "west"] {
            for i in 0..4 {
                paths.push(here.put(&format!("{tap}/cap{i}"), &simple(&[i * 100, i * 100 + 50, i * 100 + 99])));
            }
        }
        let mut merge = open_all(&paths);
        let all = drain(&mut merge, 5);
        assert!(all.iter().all(|(input, _, interface, _)| input / 4 == *interface), "{all:?}");
        assert_eq!(sources(&merge), [0, 1]);
    }

    #[test]
    fn link_files_of_the_topology_part_sources() {
        let here = Folder::new();
        let paths = [here.put("er-1", &simple(&[0])), here.put("inet-1", &simple(&[5]))];
        let mut merge =
            open_with(&paths, Options { same_link: Box::new(|a, b| a.contains("/er-") == b.contains("/er-")), ..Options::default() });
        drain(&mut merge, 5);
        assert_eq!(sources(&merge), [0, 1]);
    }

    #[test]
    fn interfaces_of_a_continued_pcapng_keep_their_ids() {
        let here = Folder::new();
        let part = |from: u64| {
            let mut ng = Ng::new(Order::Little);
            ng.interface(1, 0, &[(2, b"eth0")], true);
            ng.enhanced(0, from, 1, b"a");
            ng.interface(113, 0, &[(2, b"any")], true);
            ng.enhanced(1, from + 1, 1, b"b");
            ng.statistics(0, from);
            ng.out
        };
        let mut merge = open_all(&[here.put("1", &part(10)), here.put("2", &part(20)), here.put("3", &part(30))]);
        let all = drain(&mut merge, 2);
        assert_eq!(all.iter().map(|r| r.2).collect::<Vec<_>>(), [0, 1, 0, 1, 0, 1]);
        let told: Vec<_> = merge.interfaces().iter().map(|i| (i.name.as_deref(), i.link, i.dropped)).collect();
        assert_eq!(told, [(Some("eth0"), LinkType::ETHERNET, 30), (Some("any"), LinkType::LINUX_SLL, 0)]);
    }

    #[test]
    fn a_later_run_continues_the_saved_sources() {
        let here = Folder::new();
        let paths = [here.put("night1", &simple(&[0, 9])), here.put("night2", &simple(&[20]))];
        let mut first = open_all(&paths[..1]);
        drain(&mut first, 5);
        let saved = postcard::to_stdvec(first.sources()).unwrap();
        let loaded: Sources = postcard::from_bytes(&saved).unwrap();
        assert_eq!(&loaded, first.sources());
        let mut second = open_with(&paths[1..], Options { sources: loaded, ..Options::default() });
        drain(&mut second, 5);
        assert_eq!(sources(&second), [0]);
    }

    #[test]
    fn skipped_records_leave_the_rest_as_it_was() {
        let here = Folder::new();
        let paths = [here.put("a", &simple(&[1, 3, 5, 7])), here.put("b", &simple(&[2, 4, 6])), here.put("c", &simple(&[8, 9]))];
        let mut whole = open_all(&paths);
        let all = drain(&mut whole, 100);
        for n in 0..=all.len() as u64 {
            let mut merge = open_all(&paths);
            assert_eq!(merge.skip(n), n);
            assert_eq!(merge.next_window(1).map(|w| w.first), (n < 9).then_some(Seq(n)));
            let mut merge = open_all(&paths);
            merge.skip(n);
            let mut rest = Vec::new();
            while let Some(window) = merge.next_window(2) {
                rest.extend(window.heads.iter().map(|h| (h.input, h.number, h.interface.0, h.at.0)));
            }
            assert_eq!(rest, all[n as usize..]);
            assert_eq!(merge.interfaces(), whole.interfaces());
        }
        assert_eq!(open_all(&paths).skip(50), 9);
    }

    #[test]
    fn stop_after_counts_merged_records_and_is_no_problem() {
        let here = Folder::new();
        let paths = [here.put("a", &simple(&[1, 3, 5])), here.put("b", &simple(&[2, 4])), here.put("c", &simple(&[9]))];
        let mut merge = open_with(&paths, Options { stop_after: Some(3), ..Options::default() });
        assert_eq!(ids(&drain(&mut merge, 2)), [(0, 1), (1, 1), (0, 2)]);
        let told: Vec<_> = merge.inputs().iter().map(|i| (i.records, i.complete, i.problem.is_some())).collect();
        assert_eq!(told, [(2, false, false), (1, false, false), (0, false, false)]);
    }

    #[test]
    fn bad_inputs_are_told_and_the_good_are_read() {
        let here = Folder::new();
        let whole = simple(&[1, 2]);
        let paths = [
            here.put("good", &whole),
            here.put("text", b"hello"),
            here.put("empty", b""),
            here.put("header", &whole[..24]),
            here.put("cut", &whole[..whole.len() - 1]),
            "/nowhere/at/all".to_owned(),
        ];
        let mut merge = open_all(&paths);
        assert_eq!(drain(&mut merge, 10).len(), 3);
        let told: Vec<_> = merge.inputs().iter().map(|i| (i.records, i.complete, i.problem.clone().map(|p| p.offset))).collect();
        let bad = (0, false, Some(0));
        assert_eq!(told, [(2, true, None), bad, bad, (0, true, None), (1, false, Some(41)), bad]);
        assert_eq!(merge.notes(), [format!("'{}' holds no records", paths[3])]);
    }

    #[test]
    fn packed_and_unsettled_files_read_as_mapped_ones_do() {
        use std::io::Write;
        let here = Folder::new();
        let bytes = simple(&(0..5_000).map(|i| i * 37).collect::<Vec<_>>());
        let (head, tail) = bytes.split_at(bytes.len() / 3);
        let gzip = [head, tail].map(|part| {
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gz.write_all(part).unwrap();
            gz.finish().unwrap()
        });
        let lz4 = [head, tail].map(|part| {
            let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
            lz4.write_all(part).unwrap();
            lz4.finish().unwrap()
        });
        let xz = [head, tail].map(|part| {
            let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
            xz.write_all(part).unwrap();
            xz.finish().unwrap()
        });
        let mut paths = vec![here.put("plain", &bytes), here.put("members.gz", &gzip.concat()), here.put("fresh", &bytes)];
        std::fs::write(&paths[2], &bytes).unwrap();
        paths.extend([here.put("frames.lz4", &lz4.concat()), here.put("streams.xz", &xz.concat())]);
        #[cfg(feature = "zstd")]
        {
            let frames = [head, tail].map(|part| zstd::encode_all(part, 1).unwrap());
            paths.push(here.put("frames.zst", &frames.concat()));
        }
        let want = drain(&mut open_all(&paths[..1]), 1_000);
        for path in &paths {
            for block_size in [64, 777, 4_096, BLOCK_SIZE] {
                let mut merge = open_with(std::slice::from_ref(path), Options { block_size, ..Options::default() });
                assert_eq!(drain(&mut merge, 1_000), want, "{path}");
                let told = &merge.inputs()[0];
                assert_eq!((told.complete, told.bytes, merge.bytes_total()), (true, bytes.len() as u64, Some(merge.bytes_read())));
            }
        }
        for (name, parts) in [("gzip", &gzip), ("lz4", &lz4), ("xz", &xz)] {
            let broken = here.put(name, &parts.concat()[..parts[0].len() + parts[1].len() / 2]);
            let mut merge = open_all(&[broken]);
            let got = drain(&mut merge, 1_000);
            assert!(got.len() >= 1_665 && want.starts_with(&got), "{name}: {}", got.len());
            let problem = merge.inputs()[0].problem.clone().unwrap();
            assert!(problem.text.contains(&format!("{name} stream ends early")) && problem.offset > 28_000, "{problem:?}");
        }
    }

    #[test]
    fn a_pipe_reads_as_a_file_does() {
        let here = Folder::new();
        let bytes = simple(&(0..300).collect::<Vec<_>>());
        let file = here.put("file", &bytes);
        let pipe: PathBuf = here.0.path().join("pipe");
        if !std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|s| s.success()) {
            return skipped("a_pipe_reads_as_a_file_does: no mkfifo");
        }
        let to = pipe.clone();
        let writer = std::thread::spawn(move || std::fs::write(to, bytes).unwrap());
        let mut merge = open_all(&[pipe.display().to_string()]);
        assert_eq!(drain(&mut merge, 10), drain(&mut open_all(&[file]), 10));
        assert!(merge.inputs()[0].complete && merge.bytes_total().is_none());
        writer.join().unwrap();
    }

    #[test]
    fn thousands_of_rotated_files_take_few_descriptors_and_mappings() {
        let here = Folder::new();
        for i in 0..1_500 {
            here.put(&format!("set/cap{i}"), &simple(&[i * 10, i * 10 + 5]));
        }
        let mut merge = open_all(&[here.0.path().join("set").display().to_string()]);
        let mut n = 0;
        while let Some(window) = merge.next_window(64) {
            n += window.heads.len();
            assert!(merge.active.len() <= 1);
            let Ok(mappings) = std::fs::read_to_string("/proc/self/maps") else { continue };
            let root = here.0.path().display().to_string();
            assert!(mappings.lines().filter(|line| line.contains(&root)).count() < 40);
            let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
            assert_eq!(open.filter(|path| path.starts_with(here.0.path())).count(), 0);
        }
        assert_eq!((n, sources(&merge)), (3_000, vec![0]));
    }

    fn skipped(why: &str) {
        use std::io::Write;
        let list = concat!(env!("CARGO_MANIFEST_DIR"), "/target/skipped");
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/target")).unwrap();
        writeln!(std::fs::File::options().append(true).create(true).open(list).unwrap(), "{why}").unwrap();
    }

    #[test]
    fn public_captures_hold_as_many_records_as_capinfos_counts() {
        let Some(all) = public_captures() else { return skipped("public_captures_*: no ../shared/captures") };
        for (path, want) in &all {
            let mut merge = open_all(std::slice::from_ref(path));
            assert_eq!(drain(&mut merge, 1_000).len() as u64, *want, "{path}");
            let told = &merge.inputs()[0];
            assert_eq!((told.records, told.first.is_some()), (*want, *want > 0), "{path}");
        }
        assert!(all.len() > 100);
    }

    #[test]
    fn public_captures_read_alike_mapped_in_small_blocks_and_packed() {
        use std::io::Write;
        let Some(all) = public_captures() else { return skipped("public_captures_*: no ../shared/captures") };
        let here = Folder::new();
        for (path, _) in all.iter().filter(|(path, _)| !path.ends_with(".gz")) {
            let bytes = std::fs::read(path).unwrap();
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gz.write_all(&bytes).unwrap();
            let paths = [here.put("packed", &gz.finish().unwrap()), here.put("fresh", &bytes)];
            std::fs::write(&paths[1], &bytes).unwrap();
            let mut whole = open_all(std::slice::from_ref(path));
            let want = drain(&mut whole, 5_000);
            for (again, block_size) in paths.iter().zip([1_000, 64]) {
                let mut merge = open_with(std::slice::from_ref(again), Options { block_size, ..Options::default() });
                assert!(drain(&mut merge, 333) == want, "{path}");
                assert_eq!(merge.interfaces(), whole.interfaces());
                assert_eq!(merge.inputs()[0].problem, whole.inputs()[0].problem);
            }
        }
    }

    /// Every public capture with the number of its packets as capinfos counts them.
    fn public_captures() -> Option<Vec<(String, u64)>> {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/captures"));
        let mut all = Vec::new();
        for entry in std::fs::read_dir(root.join("files")).ok()? {
            let path = entry.ok()?.path();
            let id = path.file_name()?.to_str()?.split('-').next()?.to_owned();
            let table = std::fs::read_to_string(root.join("oracle").join(id).join("capinfos.csv")).ok()?;
            let (names, row) = table.split_once('\n')?;
            let column = names.split("\",\"").position(|name| name.trim_matches('"') == "Number of packets")?;
            let n = row.split("\",\"").nth(column)?.trim_matches('"').parse().ok()?;
            all.push((path.display().to_string(), n));
        }
        all.sort();
        Some(all)
    }
}
