//! Packed captures as users meet them: by name, in directories and globs, from standard input; whole, cut, and with other bytes after.

use super::asked::{CLEAN, Folder, analyze, bytes, holds};
use callpath::input::Compression;
use serde_json::Value;
use std::io::Write;

/// A capture in every packing that this build reads, with the name it goes by.
fn packed() -> Vec<(&'static str, Vec<u8>)> {
    let bytes = bytes(CLEAN);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).unwrap();
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(&bytes).unwrap();
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    xz.write_all(&bytes).unwrap();
    vec![
        ("gzip", gzip.finish().unwrap()),
        ("lz4", lz4.finish().unwrap()),
        ("xz", xz.finish().unwrap()),
        #[cfg(feature = "zstd")]
        ("zstd", zstd::encode_all(bytes.as_slice(), 1).unwrap()),
    ]
}

fn input<'a>(report: &'a Value, name: &str) -> &'a Value {
    &report["inputs"][0][name]
}

#[test]
fn a_packed_capture_is_read_by_any_way_it_comes() {
    let (code, plain) = analyze(&["-"], &bytes(CLEAN));
    assert_eq!((code, input(&plain, "compression")), (0, &Value::Null));
    for (name, packed) in packed() {
        let here = Folder::new();
        let file = here.put("capture", &packed);
        here.put("notes.txt", b"not a capture");
        let (folder, glob) = (here.path(".").display().to_string(), here.path("cap*").display().to_string());
        for (path, stdin) in [("-", packed.as_slice()), (&file, b""), (&folder, b""), (&glob, b"")] {
            let (code, report) = analyze(&[path], stdin);
            assert_eq!((code, input(&report, "compression")), (0, &Value::from(name)), "{path}");
            assert_eq!(input(&report, "bytes"), input(&plain, "bytes"), "{name} {path}");
            assert!(report["calls"] == plain["calls"] && report["ledger"] == plain["ledger"], "{name} {path}");
        }
    }
}

#[test]
fn a_packed_capture_that_is_cut_or_followed_by_other_bytes_is_incomplete() {
    let records = |report: &Value| input(report, "records").as_u64().unwrap();
    for (name, packed) in packed() {
        let (code, report) = analyze(&["-"], &packed[..packed.len() - 3]);
        assert_eq!((code, input(&report, "complete")), (3, &Value::from(false)), "{name}");
        holds(input(&report, "problem").as_str().unwrap(), &[&format!("the {name} stream ends early"), "copy the file again"]);
        let (code, report) = analyze(&["-"], &[packed, b"other bytes".to_vec()].concat());
        assert_eq!((code, records(&report)), (3, 414), "{name}");
        holds(input(&report, "problem").as_str().unwrap(), &[name]);
    }
}

#[test]
fn what_is_not_unpacked_says_how_to_go_on() {
    for (name, magic) in [("bzip2", &b"BZh91AY&SY"[..]), ("lz4", b"\x02\x21\x4c\x18rest")] {
        let (code, report) = analyze(&["-"], magic);
        assert_eq!(code, 3);
        holds(input(&report, "problem").as_str().unwrap(), &[&format!("`{name} -dc FILE | callpath analyze -`")]);
    }
}

#[test]
fn every_packing_has_the_name_of_its_tool() {
    for (name, packed) in packed() {
        assert_eq!(Compression::of(&packed).map(Compression::name), Some(name));
    }
}
