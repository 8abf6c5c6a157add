//! What tests ask of the program, and what always holds of its answers.

use super::program::callpath;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A call without findings; pcap, 414 records, snaplen 262 144.
pub const CLEAN: &str = "nat.pcap";
/// A call with errors.
pub const BROKEN: &str = "contact-ip.pcap";

/// A capture of ours, or what lies beside it.
pub fn own(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name).display().to_string()
}

/// Its bytes.
pub fn bytes(name: &str) -> Vec<u8> {
    fs::read(own(name)).expect("a capture of ours")
}

/// A folder for one test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// An empty one.
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    /// Where a file of it lies or would lie.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and gives its path.
    pub fn put(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.path(name), bytes).expect("a temporary folder can be written");
        self.path(name).display().to_string()
    }
}

/// Runs `analyze --format json ARGS` and checks what always holds: a report on standard output, a line on standard error for each
/// problem.
pub fn analyze(args: &[&str], stdin: &[u8]) -> (i32, Value) {
    let ran = callpath(&[&["analyze", "--format", "json"], args].concat(), stdin);
    let report: Value = serde_json::from_slice(&ran.out).unwrap_or_else(|_| panic!("{args:?} gave no report: {ran:?}"));
    let inputs = report["inputs"].as_array().expect("inputs");
    let problems: Vec<String> = inputs
        .iter()
        .filter_map(|input| Some(format!("callpath: '{}': {}", input["path"].as_str()?, input["problem"].as_str()?)))
        .collect();
    assert_eq!(ran.err.lines().collect::<Vec<_>>(), problems);
    (ran.code, report)
}

/// What the command line is refused with: exit 2, one line, nothing on standard output.
pub fn refusal(args: &[&str]) -> String {
    let ran = callpath(args, b"");
    assert_eq!((ran.code, ran.text().as_str(), ran.err.lines().count()), (2, "", 1), "{args:?}: {ran:?}");
    ran.err.trim_end().strip_prefix("callpath: ").expect("the program names itself").to_owned()
}

/// Every part stands in the text.
pub fn holds(text: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| text.contains(part)), "{parts:?} are not all in: {text}");
}
