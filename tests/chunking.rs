//! Threads, windows and the form of the input leave no trace in the report.

use callpath::engine::par;
use callpath::report::{jsonl::Jsonl, terminal::Terminal};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

#[path = "support/awkward.rs"]
mod awkward;
#[path = "support/drive.rs"]
mod drive;
#[path = "../benches/support/gen.rs"]
mod generator;
#[path = "support/known.rs"]
mod known;
#[path = "support/likeness.rs"]
mod likeness;
#[path = "support/program.rs"]
mod program;
#[path = "support/skipped.rs"]
mod skipped;
#[path = "support/split.rs"]
mod split;

use drive::{Given, drive, json};
use likeness::{content, difference, difference_of_bytes};

/// Threads and records of a window that are compared with one thread and 16 384.
const HOW: [(usize, usize); 5] = [(2, 7), (3, 1_000), (8, 16_384), (2, 65_536), (1, 7)];
/// Records up to which windows of one record are tried as well.
const FEW: usize = 3_000;

/// A capture in a temporary folder, old enough to be mapped.
fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a temporary folder can be written");
    let file = std::fs::File::options().append(true).open(&path).expect("it was just written");
    file.set_modified(SystemTime::now() - Duration::from_secs(3_600)).expect("times can be set");
    path
}

/// 30 calls at a time for 66 s: ticks, sweeps, and calls that close while others go on.
fn generated(folder: &Path) -> Given {
    let plan = generator::Plan::named("small").expect("a shape");
    let plan = generator::Plan { bytes: Some(50_000_000), calls: 30, talk_ms: 3_000, loss_ppm: 5_000, late_ppm: 2_000, ..plan };
    let mut bytes = Vec::new();
    let truth = generator::write(&plan, &mut bytes).expect("a Vec takes everything");
    assert!(truth.packets > 3 * 65_536, "{truth}");
    Given::of(&[put(folder, "generated.pcap", &bytes)])
}

fn same_whatever_threads_and_windows(given: &Given, few: bool) {
    let want = json(given, 1, 16_384);
    let one = [(1, 1), (3, 1)];
    for (threads, window) in HOW.iter().chain(if few { &one[..] } else { &[] }) {
        let report = json(given, *threads, *window);
        if let Some(difference) = difference_of_bytes(&report, &want) {
            panic!("{:?} with {threads} threads and windows of {window} differs at {difference}", given.inputs);
        }
    }
}

#[test]
fn threads_and_windows_leave_no_trace() {
    for given in known::all("chunking") {
        let bytes: u64 = given.inputs.iter().map(|path| path.metadata().expect("it is there").len()).sum();
        same_whatever_threads_and_windows(&given, bytes < 100 * FEW as u64);
    }
}

#[test]
fn threads_and_windows_leave_no_trace_across_ticks() {
    let folder = tempfile::tempdir().unwrap();
    same_whatever_threads_and_windows(&generated(folder.path()), false);
}

#[test]
fn calls_are_told_as_they_end_whatever_threads_and_windows() {
    let folder = tempfile::tempdir().unwrap();
    let given = generated(folder.path());
    let jsonl = |threads, window| par::with_threads(threads, || drive(&given, &Jsonl, window).report);
    let told = jsonl(1, 16_384);
    assert!(told == jsonl(3, 1_000));
    let text = String::from_utf8(told).unwrap();
    let started = |line: &str| Some(line.split_once("\"started\":\"")?.1.split_once('"')?.0.to_owned());
    let starts: Vec<String> = text.lines().filter_map(started).collect();
    assert!(starts.len() > 1 && !starts.is_sorted(), "no call was told before one that began earlier");
}

#[test]
fn threads_and_windows_leave_no_trace_where_packets_wait() {
    let folder = tempfile::tempdir().unwrap();
    same_whatever_threads_and_windows(&Given::of(&[put(folder.path(), "awkward.pcap", &awkward::awkward())]), false);
}

#[test]
fn other_formats_are_alike_too() {
    for given in known::own() {
        let terminal = |threads, window| par::with_threads(threads, || drive(&given, &Terminal::new(100, true, 1, false), window).report);
        assert!(terminal(1, 16_384) == terminal(3, 7), "{:?}", given.inputs);
        let jsonl = |threads, window| par::with_threads(threads, || drive(&given, &Jsonl, window).report);
        assert!(jsonl(1, 16_384) == jsonl(3, 7), "{:?}", given.inputs);
    }
}

/// What `callpath analyze` says of `inputs`, one of which may be standard input.
fn told(given: &Given, inputs: &[&str], stdin: &[u8]) -> Vec<u8> {
    let topology = given.topology.as_ref().map(|path| path.display().to_string());
    let topology = topology.iter().flat_map(|path| ["-t", path]);
    let args: Vec<&str> = ["analyze", "--format", "json"].into_iter().chain(topology).chain(inputs.iter().copied()).collect();
    let ran = program::callpath(&args, stdin);
    assert!([0, 1, 3].contains(&ran.code) && (ran.code == 3) != ran.err.is_empty(), "{inputs:?}: {ran:?}");
    ran.out
}

fn same_in_any_form(given: &Given, folder: &Path) {
    let [path] = given.inputs.as_slice() else { panic!("one input") };
    let bytes = std::fs::read(path).expect("a capture that can be read");
    let want = content(&json(given, 1, 16_384), &[0]);
    let check = |form: &str, report: &[u8], before: &[u64]| {
        if let Some(difference) = difference(&content(report, before), &want) {
            panic!("{} {form} differs at {difference}", path.display());
        }
    };
    check("from a pipe", &told(given, &["-"], &bytes), &[0]);
    if path.extension().is_some_and(|ext| ext == "gz") {
        return; // it is packed already
    }
    let packed = |name: &str, bytes: &[u8]| json(&Given { inputs: vec![put(folder, name, bytes)], ..given.clone() }, 2, 1_000);
    check("in gzip", &packed("x.gz", &gzip(&bytes)), &[0]);
    check("in lz4", &packed("x.lz4", &lz4(&bytes)), &[0]);
    check("in xz", &packed("x.xz", &xz(&bytes)), &[0]);
    #[cfg(feature = "zstd")]
    check("in zstd", &packed("x.zst", &zstd::encode_all(bytes.as_slice(), 1).unwrap()), &[0]);
    if let Some(parts) = split::split(path, 10, folder) {
        let before: Vec<u64> = parts.iter().map(|part| part.before).collect();
        let inputs = parts.into_iter().map(|part| part.path).collect();
        check("in ten files", &json(&Given { inputs, ..given.clone() }, 2, 1_000), &before);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(bytes).expect("a Vec takes everything");
    gz.finish().expect("a Vec takes everything")
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(bytes).expect("a Vec takes everything");
    lz4.finish().expect("a Vec takes everything")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(0)).expect("a preset that is known");
    xz.write_all(bytes).expect("a Vec takes everything");
    xz.finish().expect("a Vec takes everything")
}

#[test]
fn pipes_packing_and_rotation_leave_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    for given in known::all("chunking").iter().filter(|given| given.inputs.len() == 1) {
        same_in_any_form(given, folder.path());
    }
}

#[test]
fn pipes_packing_and_rotation_leave_no_trace_across_ticks() {
    let folder = tempfile::tempdir().unwrap();
    same_in_any_form(&generated(folder.path()), folder.path());
    same_in_any_form(&Given::of(&[put(folder.path(), "awkward.pcap", &awkward::awkward())]), folder.path());
}
