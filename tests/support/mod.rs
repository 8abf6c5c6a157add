//! What tests share: the ladder notation, the captures made from it, and the rules' pages.
//!
//! Every test file that says `mod support;` compiles all of this, so each module's own tests reach every function of it.

pub mod bgp;
pub mod capture;
pub mod der;
pub mod dialog;
pub mod dns;
pub mod facts;
pub mod frame;
pub mod ladder;
pub mod message;
pub mod page;
pub mod party;
pub mod run;
pub mod sdp;
pub mod seal;
pub mod stun;
pub mod tls;
pub mod token;
pub mod what;

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under `folder` whose name ends in `.ext`, sorted by path.
pub fn files(folder: &Path, ext: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("cannot read '{}': {e}", folder.display()));
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == ext) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn files_are_found_in_folders_below() {
    let made_from = files(&root().join("tests"), "rs");
    assert!(made_from.contains(&root().join("tests/support/mod.rs")));
    assert!(made_from.is_sorted());
}
