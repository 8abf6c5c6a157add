//! The captures that ladders make are the ones committed. `UPDATE=1 cargo test --test captures` rewrites them.

mod support;

use std::path::{Path, PathBuf};
use support::capture::{Capture, captures};
use support::ladder::parse;

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
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    for (path, capture) in made() {
        if update {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &capture.bytes).unwrap();
        }
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
