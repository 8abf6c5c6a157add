//! State is plain data: a run that stops anywhere, is saved, loaded and goes on gives the report of a run that never stopped.

use callpath::engine::par;
use callpath::error::Error;
use callpath::report::json::Json;
use std::path::{Path, PathBuf};

#[path = "support/awkward.rs"]
mod awkward;
#[path = "support/dice.rs"]
mod dice;
#[path = "support/drive.rs"]
mod drive;
#[path = "support/known.rs"]
mod known;
#[path = "support/likeness.rs"]
mod likeness;
#[path = "support/skipped.rs"]
mod skipped;

use dice::Dice;
use drive::{Given, drive, json, resumed, saved, saved_again};
use likeness::difference_of_bytes;

/// Records of a window.
const WINDOW: usize = 4_096;
/// Stops in each capture, besides those at its ends.
const STOPS: u64 = 4;

fn same_after_a_stop(given: &Given, want: &[u8], at: u64) {
    let report = resumed(given, &saved(given, at, WINDOW), at, WINDOW).expect("a state that was just saved");
    if let Some(difference) = difference_of_bytes(&report, want) {
        panic!("{:?} saved after {at} records differs at {difference}", given.inputs);
    }
}

fn put_awkward(folder: &Path) -> PathBuf {
    let path = folder.join("awkward.pcap");
    std::fs::write(&path, awkward::awkward()).expect("a temporary folder can be written");
    path
}

#[test]
fn a_stop_at_any_record_leaves_no_trace() {
    for (seed, given) in known::all("resume").iter().enumerate() {
        let whole = drive(given, &Json, WINDOW);
        let mut dice = Dice::new(seed as u64);
        let stops = [0, 1, whole.records].into_iter().chain((0..STOPS).map(|_| dice.below(whole.records)));
        stops.filter(|at| *at <= whole.records).for_each(|at| same_after_a_stop(given, &whole.report, at));
    }
}

#[test]
fn a_stop_around_ticks_or_where_packets_wait_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let given = Given::of(&[put_awkward(folder.path())]);
    let want = json(&given, 2, WINDOW);
    let tick = 65_536;
    let mut dice = Dice::new(7);
    let around = [tick - 1, tick, tick + 1, 2 * tick, 3 * tick + 1].into_iter();
    // Within a message in three segments, within a call, within a datagram in two fragments, within a gap of a TCP stream.
    let inside = [15, 340, 790, 5_500].into_iter();
    around.chain(inside).chain((0..4).map(|_| dice.below(awkward::LENGTH))).for_each(|at| same_after_a_stop(&given, &want, at));
}

#[test]
fn a_run_may_stop_again_and_again() {
    let given = Given::of(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/sipp-tcp.pcap")]);
    let want = json(&given, 1, WINDOW);
    let whole = drive(&given, &Json, WINDOW).records;
    let steps = 12;
    let mut state = saved(&given, 0, WINDOW);
    for step in 0..steps {
        let at = |step: u64| whole * step / steps;
        state = saved_again(&given, &state, at(step)..at(step + 1), WINDOW).unwrap();
    }
    assert!(resumed(&given, &state, whole, WINDOW).unwrap() == want);
}

#[test]
fn a_damaged_state_is_an_error_and_never_a_panic() {
    let given = Given::of(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/sipp-tcp.pcap")]);
    let at = 200;
    let state = saved(&given, at, WINDOW);
    let is_refused = |state: &[u8]| matches!(resumed(&given, state, at, WINDOW), Err(Error::State(text)) if text.contains("damaged"));
    par::with_threads(1, || {
        for len in (0..50).map(|n| state.len() * n / 50).chain([state.len() - 1]) {
            assert!(is_refused(&state[..len]), "cut to {len} bytes");
        }
        let mut dice = Dice::new(11);
        for _ in 0..400 {
            let (at, bit) = (dice.below(state.len() as u64) as usize, dice.below(8));
            let mut damaged = state.clone();
            damaged[at] ^= 1 << bit;
            assert!(is_refused(&damaged), "bit {bit} of byte {at} flipped");
        }
        assert!(is_refused(&[&state[..], b"more"].concat()));
    });
    assert!(resumed(&given, &state, at, WINDOW).is_ok());
}
