//! No bytes make it panic: every capture, cut at every length of its first 4 KB and with bits flipped through the rest, is read as
//! far as it can be, every record that was read is in the ledger, and none takes long.
//!
//! Variants come in an order that is spread over all captures and lengths. On a machine that is too slow for all of them the last
//! are left out, and the test says how many ran.

use callpath::engine::par;
use callpath::report::{Format, json::Json, jsonl::Jsonl, terminal::Terminal};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

#[path = "support/dice.rs"]
mod dice;
#[path = "support/drive.rs"]
mod drive;
#[path = "support/known.rs"]
mod known;
#[path = "support/skipped.rs"]
mod skipped;

use dice::Dice;
use drive::{Given, drive};

/// Lengths that are tried one by one.
const HEAD: usize = 4_096;
/// Bytes of all flipped variants of one capture, roughly: large captures have fewer.
const FLIPPED: usize = 1_500_000;
/// Flipped variants of a small capture.
const MOST_FLIPS: usize = 60;
/// Every so many variants are told in the other formats too.
const SAMPLE: usize = 16;
/// The whole test takes no longer.
const BUDGET: Duration = Duration::from_secs(55);
/// No single variant takes longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// As many as a small machine has processors.
const WORKERS: usize = 2;

/// A capture as it was.
struct Whole {
    given: Given,
    bytes: Vec<u8>,
}

/// What is done to a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    /// Cut to so many bytes.
    Cut(usize),
    /// Some bits flipped, by dice of this seed.
    Flip(u64),
}

impl Damage {
    fn apply(self, bytes: &[u8]) -> Vec<u8> {
        let seed = match self {
            Damage::Cut(len) => return bytes[..len].to_vec(),
            Damage::Flip(seed) => seed,
        };
        let (mut dice, mut damaged) = (Dice::new(seed), bytes.to_vec());
        // The beginning of a large capture is one target in two: there the headers are that all else hangs on.
        for _ in 0..=dice.below(6) {
            let end = if dice.below(2) == 0 { damaged.len().min(HEAD) } else { damaged.len() };
            let at = dice.below(end as u64) as usize;
            damaged[at] ^= 1 << dice.below(8);
        }
        damaged
    }
}

/// All variants in the order in which they are tried.
fn variants(wholes: &[Whole]) -> Vec<(usize, Damage)> {
    let mut all = Vec::new();
    for (i, whole) in wholes.iter().enumerate() {
        let len = whole.bytes.len();
        let flips = (FLIPPED / len.max(1)).clamp(3, MOST_FLIPS);
        all.extend((0..len.min(HEAD)).map(|len| (i, Damage::Cut(len))));
        all.extend((0..flips).map(|n| (i, Damage::Flip((i * 1_000 + n) as u64))));
    }
    let mut dice = Dice::new(5);
    for i in (1..all.len()).rev() {
        all.swap(i, dice.below(i as u64 + 1) as usize);
    }
    all
}

/// Writes the variant where it is read from: old files are mapped, new ones read in blocks; both ways are taken.
fn put(path: &Path, bytes: &[u8], mapped: bool) {
    std::fs::write(path, bytes).expect("a temporary folder can be written");
    if mapped {
        let file = std::fs::File::options().append(true).open(path).expect("it was just written");
        file.set_modified(SystemTime::now() - Duration::from_secs(3_600)).expect("times can be set");
    }
}

/// Reads one damaged capture and checks what must hold of any report.
fn read(given: &Given, format: &dyn Format) -> Duration {
    let begun = Instant::now();
    let done = drive(given, format, 16_384);
    let took = begun.elapsed();
    let (ledger, inputs) = (&done.summary.ledger, &done.summary.inputs);
    let told: u64 = ledger.kinds.values().sum::<u64>() + ledger.undecoded.values().sum::<u64>();
    assert_eq!((ledger.records, told), (done.records, done.records), "the ledger sums to the records that were read");
    assert_eq!(inputs.iter().map(|input| input.records).sum::<u64>(), done.records, "records of inputs");
    assert!(inputs.iter().all(|input| input.complete || input.problem.is_some()), "neither complete nor a problem: {inputs:?}");
    assert!(!done.report.is_empty());
    took
}

/// Tries a variant and names it when something is wrong.
fn attempt(number: usize, whole: &Whole, damage: Damage, path: &Path) -> Result<(), String> {
    put(path, &damage.apply(&whole.bytes), !number.is_multiple_of(8));
    let given = Given { inputs: vec![path.to_owned()], ..whole.given.clone() };
    let formats: [(&str, &dyn Format); 3] = [("json", &Json), ("terminal", &Terminal::new(100, true, 2, false)), ("jsonl", &Jsonl)];
    let tried = if number.is_multiple_of(SAMPLE) { &formats[..] } else { &formats[..1] };
    for (name, format) in tried {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let took = read(&given, *format);
            // A machine that was busy elsewhere gets a second chance.
            if took > PATIENCE { read(&given, *format) } else { took }
        }));
        let fault = match outcome {
            Ok(took) if took <= PATIENCE => continue,
            Ok(took) => format!("took {took:?}"),
            Err(panic) => {
                panic.downcast_ref::<String>().cloned().or_else(|| Some((*panic.downcast_ref::<&str>()?).to_owned())).unwrap_or_default()
            }
        };
        return Err(format!("{:?} {damage:?} as {name}: {fault}", whole.given.inputs));
    }
    Ok(())
}

/// A folder in memory where there is one: many thousand files are written, each over the last.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder can be made")
}

#[test]
fn no_bytes_make_it_panic() {
    let until = Instant::now() + BUDGET;
    let single = known::all("damage").into_iter().filter(|given| given.inputs.len() == 1);
    let wholes: Vec<Whole> = single.map(|given| Whole { bytes: std::fs::read(&given.inputs[0]).expect("it is there"), given }).collect();
    let (variants, next) = (variants(&wholes), AtomicUsize::new(0));
    let folder = folder();
    let work = |path: PathBuf| {
        let mut faults = Vec::new();
        // A pool of its own, so that workers do not wait for each other's windows.
        par::with_threads(1, || {
            while Instant::now() < until {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some((whole, damage)) = variants.get(number) else { break };
                faults.extend(attempt(number, &wholes[*whole], *damage, &path).err());
            }
        });
        faults
    };
    let faults: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|n| folder.path().join(n.to_string())).map(|path| scope.spawn(|| work(path))).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("workers catch panics")).collect()
    });
    let ran = next.into_inner().min(variants.len());
    let took = BUDGET.saturating_sub(until.saturating_duration_since(Instant::now()));
    writeln!(std::io::stdout(), "damage: {ran} of {} variants of {} captures ran in {took:.1?}", variants.len(), wholes.len()).unwrap();
    if ran < variants.len() {
        skipped::skipped("damage: variants", &format!("{ran} of {} ran in {BUDGET:?}", variants.len()));
    }
    let shown: Vec<&String> = faults.iter().take(20).collect();
    assert!(faults.is_empty(), "{} variants: {shown:#?}", faults.len());
}

#[test]
fn damage_is_the_same_each_time() {
    let bytes: Vec<u8> = (0..=255).cycle().take(9_000).collect();
    assert_eq!(Damage::Cut(7).apply(&bytes), bytes[..7]);
    let flipped = Damage::Flip(3).apply(&bytes);
    assert!(flipped != bytes && flipped == Damage::Flip(3).apply(&bytes) && flipped.len() == bytes.len());
}
