//! The captures that ladders make are the ones committed, and each capture yields the `.json` beside it.
//! `UPDATE=1 cargo test --test captures` rewrites both; read the diff.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Once;
use support::capture::{Capture, capture, captures};
use support::ladder::{Ladder, parse};
use support::run::{analyze, analyze_capture, report};

/// Largest capture we commit.
const MOST_BYTES: usize = 150_000;

/// Where a ladder's capture stands: `x.pcap`, `x-<file>.pcap`, or `x/<rotated file>.pcap`.
fn path(ladder: &Path, rotated: bool, capture: &Capture) -> PathBuf {
    let stem = ladder.file_stem().unwrap().to_str().unwrap();
    let ext = if capture.pcapng { "pcapng" } else { "pcap" };
    let name = match (capture.name.as_str(), rotated) {
        ("", _) => format!("{stem}.{ext}"),
        (name, true) => format!("{stem}/{name}.{ext}"),
        (name, false) => format!("{stem}-{name}.{ext}"),
    };
    support::root().join("captures").join(name)
}

fn update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

/// Rewrites the captures, once, when that is asked for; tests that read them run at the same time.
fn rewrite() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (path, capture) in made().into_iter().filter(|_| update()) {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &capture.bytes).unwrap();
        }
    });
}

fn ladder(name: &str) -> Ladder {
    parse(&std::fs::read_to_string(support::root().join("captures/make").join(name)).unwrap()).unwrap()
}

/// Captures that are read together, by the path of their report without `.json`: parts of one name (`x-a`, `x-b`), files of a folder.
/// Those in `captures/encap`, `captures/paths`, `captures/pdu` and `captures/tls` have no report beside them.
fn sets() -> BTreeMap<PathBuf, Vec<PathBuf>> {
    rewrite();
    let folder = support::root().join("captures");
    let mut files = support::files(&folder, "pcap");
    files.extend(support::files(&folder, "pcapng"));
    files.retain(|file| !["encap", "paths", "pdu", "tls"].iter().any(|name| file.parent() == Some(&folder.join(name))));
    let mut sets: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        let alone = file.with_extension("");
        let part = alone.to_str().and_then(|name| name.strip_suffix("-a").or_else(|| name.strip_suffix("-b"))).map(PathBuf::from);
        let name = if file.parent() == Some(&folder) { part.unwrap_or(alone) } else { file.parent().unwrap().to_owned() };
        sets.entry(name).or_default().push(file);
    }
    sets
}

/// Every capture that the ladders of `captures/make` make, with its path.
fn made() -> Vec<(PathBuf, Capture)> {
    let mut all = Vec::new();
    for file in support::files(&support::root().join("captures/make"), "ladder") {
        let ladder = parse(&std::fs::read_to_string(&file).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let files = captures(&ladder).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        all.extend(files.into_iter().map(|capture| (path(&file, ladder.rotate.is_some(), &capture), capture)));
    }
    all
}

#[test]
fn ladders_make_the_captures_that_are_committed() {
    rewrite();
    for (path, capture) in made() {
        let committed = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; make it with UPDATE=1", path.display()));
        assert!(committed == capture.bytes, "{} is not what its ladder makes; UPDATE=1 rewrites it", path.display());
    }
}

#[test]
fn captures_are_small() {
    for (path, capture) in made() {
        assert!(capture.bytes.len() <= MOST_BYTES, "{}: {} bytes", path.display(), capture.bytes.len());
    }
}

#[test]
fn every_capture_has_its_section_in_the_readme() {
    let readme = std::fs::read_to_string(support::root().join("captures/README.md")).unwrap();
    for ladder in support::files(&support::root().join("captures/make"), "ladder") {
        let stem = ladder.file_stem().unwrap().to_str().unwrap();
        let has = readme.lines().any(|line| line.starts_with("## ") && line.contains(stem));
        assert!(has, "captures/README.md has no section for {stem}");
    }
}

#[test]
fn every_capture_yields_the_report_beside_it() {
    let sets = sets();
    assert!(sets.len() > 10, "captures were not found");
    for (name, files) in &sets {
        let topology = std::fs::read_to_string(name.with_extension("toml")).ok();
        let yielded = report(files, topology.as_deref().map(|text| (text, "topology")));
        let path = name.with_extension("json");
        if update() {
            std::fs::write(&path, &yielded).unwrap();
        }
        let stands = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; make it with UPDATE=1", path.display()));
        let differing = stands.lines().zip(yielded.lines()).find(|(stands, yielded)| stands != yielded);
        assert!(stands == yielded, "{} is not what the capture yields, first in:\n{differing:#?}", path.display());
    }
}

#[test]
fn every_report_is_of_a_capture() {
    let sets = sets();
    for path in support::files(&support::root().join("captures"), "json") {
        assert!(sets.contains_key(&path.with_extension("")), "{} is of no capture", path.display());
    }
}

#[test]
fn rotated_files_yield_what_the_whole_recording_yields() {
    rewrite();
    let ladder = ladder("rotated.ladder");
    let whole = analyze_capture(&capture(&Ladder { rotate: None, ..ladder }).unwrap(), None);
    let parts = analyze(&support::files(&support::root().join("captures/rotated"), "pcap"), None);
    for member in ["ledger", "calls", "streams", "hops", "findings", "checks", "totals", "notes"] {
        assert_eq!(parts[member], whole[member], "{member}");
    }
}

#[test]
fn second_call_on_the_same_ports_and_source_has_media_of_its_own() {
    let call = |n: u32, at: u32| {
        let lines = [
            format!("{at}.0 a 10.1.5.10:5060 > b 192.0.2.10:5060 udp INVITE call={n}"),
            format!("{at}.1 b > a 200 call={n}"),
            format!("{at}.2 a > b ACK call={n}"),
            format!("{at}.3 a 10.1.5.10:4000 > b 192.0.2.10:6000 rtp PCMA x 50 every 20 ms ssrc=0x7"),
            format!("{at}.3 b > a rtp PCMA x 50 every 20 ms ssrc=0x7"),
            format!("{}.5 a > b BYE call={n}", at + 1),
            format!("{}.6 b > a 200 call={n}", at + 1),
        ];
        lines.join("\n")
    };
    let ladder = parse(&[call(1, 0), call(2, 2)].join("\n")).unwrap();
    let report = analyze_capture(&capture(&ladder).unwrap(), None);
    let calls = report["calls"].as_array().unwrap();
    assert_eq!(calls.iter().map(|call| call["streams"].as_array().unwrap().len()).collect::<Vec<_>>(), [2, 2]);
    let of = |stream: &serde_json::Value| (stream["call"].clone(), stream["packets"].clone(), stream["lost"].clone());
    let streams: Vec<_> = report["streams"].as_array().unwrap().iter().map(of).collect();
    let (first, second) = (&calls[0]["id"], &calls[1]["id"]);
    assert_eq!(streams, [first, first, second, second].map(|call| (call.clone(), 50.into(), 0.into())));
}
