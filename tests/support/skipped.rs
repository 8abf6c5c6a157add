//! A test that lacks something says so in `target/skipped`; `make test` prints that list last.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Notes that `what` was not tested because of `lack`.
pub fn skipped(what: &str, lack: &str) {
    let list = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("skipped");
    let mut list = OpenOptions::new().create(true).append(true).open(list).expect("target can be written");
    // One write, so that lines of tests that run at the same time do not mix.
    list.write_all(format!("{what}: {lack}\n").as_bytes()).expect("target can be written");
}
