//! The captures that tests run over: the project's own, and where they lie beside the repository the public ones.

use super::drive::Given;
use std::path::{Path, PathBuf};

/// Our own captures, each with the topology beside it, those of encapsulations one by one, one with BGP, rotated ones and those of two clocks as one.
pub fn own() -> Vec<Given> {
    let folder = root().join("captures");
    let mut all: Vec<Given> = captures(&folder).into_iter().map(|path| Given { topology: beside(&path), inputs: vec![path] }).collect();
    all.extend(captures(&folder.join("encap")).into_iter().map(|path| Given::of(&[path])));
    let bgp = folder.join("paths/m13-announced.pcapng");
    all.push(Given { topology: beside(&bgp), inputs: vec![bgp] });
    all.push(Given::of(&captures(&folder.join("rotated"))));
    all.push(Given::of(&["clocks-a.pcap", "clocks-b.pcap"].map(|name| folder.join(name))));
    all
}

/// The public captures; none where they are not there.
pub fn public() -> Vec<Given> {
    captures(&root().join("../shared/captures/files")).into_iter().map(|path| Given::of(&[path])).collect()
}

/// Everything there is; notes for `who` that the public ones are missing.
pub fn all(who: &str) -> Vec<Given> {
    let public = public();
    if public.is_empty() {
        super::skipped::skipped(&format!("{who}: public captures"), "no ../shared/captures");
    }
    own().into_iter().chain(public).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_capture =
        |path: &PathBuf| path.is_file() && path.extension().is_some_and(|ext| ["pcap", "pcapng", "cap", "gz"].iter().any(|e| ext == *e));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder that can be read").path()).filter(is_capture).collect();
    paths.sort();
    paths
}

fn beside(path: &Path) -> Option<PathBuf> {
    let topology = path.with_extension("toml");
    topology.is_file().then_some(topology)
}

#[test]
fn the_demo_has_its_topology_and_rotated_files_are_ten() {
    let own = own();
    assert!(own.iter().any(|given| given.topology.is_some()));
    assert!(own.iter().any(|given| given.inputs.len() == 10));
    assert!(all("known").len() >= own.len());
}
