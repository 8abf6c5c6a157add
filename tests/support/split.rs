//! Splits a capture into files of whole records, as a rotating recorder would have written them.

use super::drive::Given;
use callpath::engine::par;
use callpath::input;
use callpath::record::{Merge, Options};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One of the files that a capture was split into.
#[derive(Debug)]
pub struct Part {
    /// Where it lies.
    pub path: PathBuf,
    /// Records of the capture that stand in the parts before it.
    pub before: u64,
}

/// Splits `path` into at most `n` files in `folder`, only where time does not go back. `None` for what is not split: packed, not
/// a capture, or of fewer than two records.
pub fn split(path: &Path, n: usize, folder: &Path) -> Option<Vec<Part>> {
    let bytes = std::fs::read(path).expect("a capture that can be read");
    let records = if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) { pcapng(&bytes) } else { pcap(&bytes)? };
    let cuts = cuts(path, &records, n);
    let extension = path.extension().and_then(|ext| ext.to_str()).unwrap_or("pcap");
    let mut parts = Vec::new();
    for (i, first) in cuts.iter().enumerate() {
        let start = if i == 0 { 0 } else { records.get(*first)?.at.start };
        let end = cuts.get(i + 1).and_then(|next| records.get(*next)).map_or(bytes.len(), |record| record.at.start);
        let mut part: Vec<u8> = if i == 0 { Vec::new() } else { head(&bytes, records.get(*first)?) };
        part.extend_from_slice(bytes.get(start..end)?);
        let path = folder.join(format!("part-{i:02}.{extension}"));
        std::fs::write(&path, part).expect("a temporary folder can be written");
        parts.push(Part { path, before: *first as u64 });
    }
    (parts.len() > 1).then_some(parts)
}

/// A record in the bytes of its file.
struct Place {
    at: Range<usize>,
    /// What must stand before it: the file header, or the blocks of its section that describe it.
    head: Vec<Range<usize>>,
    /// It carries a time of its own.
    timed: bool,
}

fn head(bytes: &[u8], record: &Place) -> Vec<u8> {
    record.head.iter().filter_map(|range| bytes.get(range.clone())).flatten().copied().collect()
}

/// Indices of the records that begin a part.
fn cuts(path: &Path, records: &[Place], n: usize) -> Vec<usize> {
    let times = times(path);
    let may = |i: usize| i > 0 && times.get(i).zip(times.get(i - 1)).is_some_and(|(now, before)| now.0 >= before.1);
    let mut cuts = vec![0];
    for k in 1..n {
        let from = (k * records.len() / n).max(cuts.last().copied().unwrap_or(0) + 1);
        cuts.extend((from..records.len()).find(|i| may(*i) && records.get(*i).is_some_and(|record| record.timed)));
    }
    cuts
}

/// Own time and running maximum of every record.
fn times(path: &Path) -> Vec<(i64, i64)> {
    let found = input::discover(&[path.display().to_string()]).expect("an input is named");
    let mut merge = Merge::open(found, par::spawn, Options::default()).expect("one input");
    let windows = std::iter::from_fn(|| merge.next_window(10_000));
    windows.flat_map(|window| window.heads.iter().map(|head| (head.at.0, head.clock.0)).collect::<Vec<_>>()).collect()
}

/// A 32-bit field, little-endian unless `big`.
fn word(bytes: &[u8], at: usize, big: bool) -> Option<usize> {
    let field = *bytes.get(at..)?.first_chunk::<4>()?;
    usize::try_from(if big { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }).ok()
}

fn pcap(bytes: &[u8]) -> Option<Vec<Place>> {
    let (big, header) = match bytes.first_chunk::<4>()? {
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => (true, 16),
        [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => (false, 16),
        [0xa1, 0xb2, 0xcd, 0x34] => (true, 24),
        [0x34, 0xcd, 0xb2, 0xa1] => (false, 24),
        _ => return None,
    };
    let (mut records, mut at) = (Vec::new(), 24);
    while let Some(len) = word(bytes, at + 8, big).map(|len| header + len).filter(|len| at + len <= bytes.len()) {
        records.push(Place { at: at..at + len, head: std::iter::once(0..24).collect(), timed: true });
        at += len;
    }
    Some(records)
}

fn pcapng(bytes: &[u8]) -> Vec<Place> {
    let (mut records, mut head, mut big, mut at) = (Vec::new(), Vec::new(), false, 0);
    while let Some(kind) = word(bytes, at, big) {
        if kind == 0x0a0d_0d0a {
            big = bytes.get(at + 8) == Some(&0x1a);
            head.clear();
        }
        let Some(len) = word(bytes, at + 4, big).filter(|len| *len >= 12 && at + len <= bytes.len()) else { break };
        match kind {
            0x0a0d_0d0a | 1 => head.push(at..at + len),
            2 | 3 | 6 => records.push(Place { at: at..at + len, head: head.clone(), timed: kind != 3 }),
            _ => {}
        }
        at += len;
    }
    records
}

#[test]
fn parts_hold_the_records_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["captures/nat.pcap", "captures/er-out-internet-back.pcapng"] {
        let path = root.join(name);
        let parts = split(&path, 10, folder.path()).unwrap();
        assert_eq!(parts.len(), 10);
        let Given { inputs, .. } = Given::of(&parts.iter().map(|part| part.path.clone()).collect::<Vec<_>>());
        assert_eq!(
            inputs.iter().flat_map(|part| times(part)).map(|(at, _)| at).collect::<Vec<_>>(),
            times(&path).iter().map(|(at, _)| *at).collect::<Vec<_>>()
        );
    }
    assert!(split(&root.join("Cargo.toml"), 10, folder.path()).is_none());
}
