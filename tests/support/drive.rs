//! Drives the analysis in this process as the command line does, with what tests vary: threads, windows, and a stop in the middle
//! with the state saved and loaded.

use callpath::analysis::{Analysis, Settings, run};
use callpath::config::NONE;
use callpath::engine::{Budget, par};
use callpath::error::Error;
use callpath::input;
use callpath::path::scenario::Profile;
use callpath::record::{Merge, Options};
use callpath::report::{Format, Summary, json::Json};
use callpath::rules;
use callpath::topology::Topology;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Topologies by their file.
static READ: Mutex<BTreeMap<Option<PathBuf>, &'static Topology>> = Mutex::new(BTreeMap::new());

/// What is analysed.
#[derive(Debug, Clone)]
pub struct Given {
    /// Captures, read as one.
    pub inputs: Vec<PathBuf>,
    /// The topology file.
    pub topology: Option<PathBuf>,
}

/// A finished run.
pub struct Done {
    /// The report.
    pub report: Vec<u8>,
    /// What it was made of.
    pub summary: Summary,
    /// Records that were read.
    pub records: u64,
}

/// Windows of so many records, in whatever pool of threads the caller is.
pub fn drive(given: &Given, format: &dyn Format, window: usize) -> Done {
    drive_within(given, format, window, Budget::default())
}

/// The same with other limits of memory.
pub fn drive_within(given: &Given, format: &dyn Format, window: usize, budget: Budget) -> Done {
    let topology = given.topology();
    let mut merge = given.merge(topology, None);
    let mut analysis = Analysis::new(format);
    analysis.limit(budget);
    let begun = go_on(&mut analysis, &mut merge, settings(topology, format), window);
    finish(analysis, &merge, settings(topology, format), begun)
}

/// The JSON of a run with so many threads and windows of so many records.
pub fn json(given: &Given, threads: usize, window: usize) -> Vec<u8> {
    par::with_threads(threads, || drive(given, &Json, window)).report
}

/// The state after the first `at` records.
pub fn saved(given: &Given, at: u64, window: usize) -> Vec<u8> {
    let fresh = Analysis::new(&Json).save().expect("a state can be saved");
    saved_again(given, &fresh, 0..at, window).expect("a fresh state can be loaded")
}

/// The state after the records of `range`, going on from `state`, which was saved where that begins.
pub fn saved_again(given: &Given, state: &[u8], range: Range<u64>, window: usize) -> Result<Vec<u8>, Error> {
    let mut analysis = Analysis::load(state)?;
    let topology = given.topology();
    let mut merge = given.merge(topology, Some(range.end));
    assert_eq!(merge.skip(range.start), range.start);
    go_on(&mut analysis, &mut merge, settings(topology, &Json), window);
    analysis.save()
}

/// The JSON of a run that goes on from `state`, which was saved after `at` records.
pub fn resumed(given: &Given, state: &[u8], at: u64, window: usize) -> Result<Vec<u8>, Error> {
    let mut analysis = Analysis::load(state)?;
    let topology = given.topology();
    let mut merge = given.merge(topology, None);
    assert_eq!(merge.skip(at), at);
    let begun = go_on(&mut analysis, &mut merge, settings(topology, &Json), window);
    Ok(finish(analysis, &merge, settings(topology, &Json), begun).report)
}

impl Given {
    /// Captures without a topology file.
    pub fn of(inputs: &[PathBuf]) -> Self {
        Self { inputs: inputs.to_vec(), topology: None }
    }

    /// The topology, read once: tests run over the same captures many times.
    fn topology(&self) -> &'static Topology {
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(self.topology.clone()).or_insert_with(|| {
            Box::leak(Box::new(match &self.topology {
                None => Topology::built_in(),
                Some(path) => {
                    let text = std::fs::read_to_string(path).expect("a topology that can be read");
                    Topology::parse(&text, &path.to_string_lossy()).expect("a topology without mistakes")
                }
            }))
        })
    }

    fn merge(&self, topology: &Topology, stop_after: Option<u64>) -> Merge {
        let paths: Vec<String> = self.inputs.iter().map(|path| path.display().to_string()).collect();
        let found = input::discover(&paths).expect("inputs are named");
        Merge::open(found, par::spawn, Options::new(stop_after, topology.same_link())).expect("few inputs")
    }
}

fn settings<'a>(topology: &'a Topology, format: &'a dyn Format) -> Settings<'a> {
    Settings { topology, rules: rules::RULES, format, profile: Profile::Teams, config: &NONE }
}

/// What is written before the end.
fn go_on(analysis: &mut Analysis, merge: &mut Merge, settings: Settings<'_>, window: usize) -> Vec<u8> {
    let mut begun = Vec::new();
    let drive = run::Drive { window, filter: None, progress: &mut |_| {}, out: &mut begun };
    run::run(analysis, merge, settings, drive).expect("a spool that can be written");
    begun
}

fn finish(mut analysis: Analysis, merge: &Merge, settings: Settings<'_>, begun: Vec<u8>) -> Done {
    let summary = run::finish(&mut analysis, merge, settings).expect("a spool that can be written");
    let records = analysis.records();
    let mut report = begun;
    settings.format.finish(&summary, &mut analysis.into_sections(), &mut report).expect("a Vec takes everything");
    Done { report, summary, records }
}

#[test]
fn a_run_in_two_halves_is_a_run() {
    let given = Given::of(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/contact-ip.pcap")]);
    let whole = drive(&given, &Json, 100);
    assert!(whole.records > 4 && whole.summary.ledger.records == whole.records);
    let state = saved(&given, 4, 100);
    assert!(resumed(&given, &state, 4, 100).unwrap() == whole.report && json(&given, 1, 100) == whole.report);
}
