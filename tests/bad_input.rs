//! Inputs and topologies that are wrong: one clear line each, that names the file, the place and what to do, the exit code of the
//! contract, and the report of all that could be read.

use serde_json::Value;
use std::fs;

#[path = "support/asked.rs"]
mod asked;
#[path = "support/program.rs"]
mod program;

use asked::{BROKEN, CLEAN, Folder, analyze, bytes, holds, own, refusal};
use program::callpath;

/// pcapng with two interfaces, and the topology beside it.
const TWO: &str = "er-out-internet-back.pcapng";

/// Places of the records of a little-endian pcap.
fn records(pcap: &[u8]) -> Vec<usize> {
    let mut places = vec![24];
    while let Some(len) = pcap.get(places[places.len() - 1] + 8..).and_then(|rest| rest.first_chunk()) {
        places.push(places[places.len() - 1] + 16 + u32::from_le_bytes(*len) as usize);
    }
    places.pop();
    places
}

/// The one problem of a capture that could not be read whole: exit 3.
fn problem(path: &str) -> (u64, String) {
    let (code, report) = analyze(&[path], b"");
    let input = &report["inputs"][0];
    assert_eq!((code, input["complete"].as_bool(), report["inputs"].as_array().map(Vec::len)), (3, Some(false), Some(1)), "{path}");
    assert_eq!(report["ledger"]["records"], input["records"], "{path}");
    (input["records"].as_u64().expect("a number"), input["problem"].as_str().expect("a problem").to_owned())
}

fn notes(report: &Value) -> String {
    report["notes"].to_string()
}

#[test]
fn empty_file_is_no_capture() {
    let here = Folder::new();
    assert_eq!(problem(&here.put("empty.pcap", b"")), (0, "the input is empty: not a capture".to_owned()));
}

#[test]
fn header_without_records_is_clean_with_a_note() {
    let here = Folder::new();
    let path = here.put("header.pcap", &bytes(CLEAN)[..24]);
    let (code, report) = analyze(&[&path], b"");
    assert_eq!((code, report["inputs"][0]["complete"].as_bool()), (0, Some(true)));
    holds(&notes(&report), &[&format!("'{path}' holds no records")]);
    let (_, text) = problem(&here.put("cut.pcap", &bytes(CLEAN)[..20]));
    holds(&text, &["the file header is cut, 20 of 24 bytes", "copy the file again"]);
}

#[test]
fn text_file_is_shown_and_a_converter_named() {
    let here = Folder::new();
    let (_, text) = problem(&here.put("notes.pcap", b"hello world\n"));
    holds(&text, &["not a capture", "begins with 'hell'", "editcap"]);
}

#[test]
fn truncated_last_record_is_named_and_the_rest_reported() {
    let here = Folder::new();
    let whole = bytes(CLEAN);
    let last = records(&whole)[413];
    let (n, text) = problem(&here.put("cut.pcap", &whole[..last + 100]));
    assert_eq!(n, 413);
    holds(&text, &["the last record is cut, 100 of ", &format!("(at byte {last})"), "copy the file again"]);
    let (_, report) = analyze(&[&here.put("cut.pcap", &whole[..last + 100])], b"");
    assert_eq!(report["calls"].as_array().map(Vec::len), Some(1));
}

#[test]
fn record_length_beyond_reason_snaplen_or_file_is_damage() {
    let here = Folder::new();
    let of = |snaplen: u32, len: u32| {
        let mut damaged = bytes(CLEAN);
        let sixth = records(&damaged)[5];
        damaged[16..20].copy_from_slice(&snaplen.to_le_bytes());
        damaged[sixth + 8..sixth + 12].copy_from_slice(&len.to_le_bytes());
        let (n, text) = problem(&here.put("damaged.pcap", &damaged));
        assert_eq!(n, 5);
        holds(&text, &[&format!("(at byte {sixth})"), "all before was read", "copy the file again"]);
        text
    };
    holds(&of(262_144, 0x7fff_ffff), &["record 6 claims 2147483647 bytes", "more than a record can hold"]);
    holds(&of(65_535, 100_000), &["record 6 claims 100000 bytes", "more than the file's snaplen of 65535"]);
    holds(&of(262_144, 100_000), &["the last record is cut", "of 100016 bytes"]);
}

#[test]
fn times_going_back_are_noted_and_nothing_else() {
    let here = Folder::new();
    let mut back = bytes(CLEAN);
    let seventh = records(&back)[6];
    let seconds = u32::from_le_bytes(*back[seventh..].first_chunk().expect("a record"));
    back[seventh..seventh + 4].copy_from_slice(&(seconds - 100).to_le_bytes());
    let path = here.put("back.pcap", &back);
    let (code, report) = analyze(&[&path], b"");
    assert_eq!((code, report["ledger"]["records"].as_u64()), (0, Some(414)));
    holds(&notes(&report), &[&format!("'{path}': times go back"), "by at most"]);
}

#[test]
fn pcapng_with_a_broken_block_length_is_read_up_to_there() {
    let here = Folder::new();
    let mut places = vec![0];
    let whole = bytes(TWO);
    while let Some(len) = whole.get(places[places.len() - 1] + 4..).and_then(|rest| rest.first_chunk()) {
        places.push(places[places.len() - 1] + u32::from_le_bytes(*len) as usize);
    }
    let (at, next) = (places[9], places[10]);
    for (place, value, told) in [(at + 4, 30, "a block claims 30 bytes"), (next - 4, 0, "does not end with its length")] {
        let mut damaged = whole.clone();
        damaged[place] = value;
        let (n, text) = problem(&here.put("damaged.pcapng", &damaged));
        assert!(n > 0);
        holds(&text, &[told, &format!("(at byte {at})"), "copy the file again"]);
    }
}

#[test]
fn directory_or_glob_without_captures_says_so() {
    let here = Folder::new();
    fs::create_dir(here.path("none")).unwrap();
    here.put("none/readme.txt", b"nothing to see");
    let folder = here.path("none").display().to_string();
    holds(&problem(&folder).1, &["the directory holds no capture", "name one that does"]);
    holds(&problem(&format!("{folder}/*.pcap")).1, &["the glob matches no capture", "check the pattern"]);
}

#[test]
fn missing_file_among_good_ones_leaves_the_good_ones() {
    let here = Folder::new();
    let gone = here.path("gone.pcap").display().to_string();
    let (code, report) = analyze(&[&gone, &own(CLEAN)], b"");
    assert_eq!(code, 3);
    assert_eq!(report["inputs"][0]["problem"], "no such file or directory: check the name");
    assert_eq!((report["inputs"][1]["records"].as_u64(), report["totals"]["calls"].as_u64()), (Some(414), Some(1)));
}

#[test]
fn topology_mistakes_name_file_line_and_remedy() {
    let here = Folder::new();
    let topology = String::from_utf8(bytes("er-out-internet-back.toml")).unwrap();
    let line = |of: &str| topology.lines().position(|line| line == of).unwrap() + 1;
    for (right, wrong, told) in [
        ("[[link]]", "[[lnk]]", "unknown key 'lnk': write 'link'"),
        ("segment = \"expressroute\"", "segment = \"expresroute\"", "expressroute"),
        ("cidr = \"10.0.0.0/8\"", "cidr = \"10.0.0.0/33\"", "10.0.0.0/33"),
    ] {
        let path = here.put("network.toml", topology.replacen(right, wrong, 1).as_bytes());
        let refused = refusal(&["analyze", "-t", &path, &own(TWO)]);
        holds(&refused, &[&format!("{path}:{}: ", line(right)), told]);
        assert_eq!(refused, refusal(&["classify", "-t", &path, "10.0.0.1"]));
    }
    let gone = here.path("gone.toml").display().to_string();
    let refused = refusal(&["analyze", "-t", &gone, &own(TWO)]);
    assert_eq!(refused, format!("cannot read the topology '{gone}': no such file or directory: check the name"));
}

#[test]
fn link_type_is_a_problem_only_when_no_interface_can_be_read() {
    let here = Folder::new();
    let mut other = bytes(CLEAN);
    other[20] = 147;
    let (code, report) = analyze(&[&here.put("other.pcap", &other)], b"");
    assert_eq!((code, report["ledger"]["undecoded"]["link type: not supported"].as_u64()), (3, Some(414)));
    holds(report["inputs"][0]["problem"].as_str().unwrap(), &["link type 147 is not supported", "capture on an Ethernet"]);
    let mut mixed = bytes(TWO);
    mixed[28 + 8] = 147;
    let (code, report) = analyze(&["--fail-on", "never", &here.put("mixed.pcapng", &mixed)], b"");
    assert_eq!((code, &report["inputs"][0]["problem"]), (0, &Value::Null));
    assert!(report["ledger"]["undecoded"]["link type: not supported"].as_u64() > Some(0));
}

#[test]
fn incomplete_input_wins_over_findings() {
    let here = Folder::new();
    let cut = here.put("cut.pcap", &bytes(CLEAN)[..5_000]);
    for level in ["error", "never"] {
        let (code, report) = analyze(&["--fail-on", level, &cut, &own(BROKEN)], b"");
        assert_eq!(code, 3);
        assert!(report["totals"]["findings"]["error"].as_u64() > Some(0));
    }
}

#[test]
fn the_terminal_report_says_itself_what_was_not_read() {
    let here = Folder::new();
    let cut = here.put("cut.pcap", &bytes(CLEAN)[..5_000]);
    for flags in [&["-q"][..], &[], &["-v"]] {
        let ran = callpath(&[&["analyze"], flags, &[&cut]].concat(), b"");
        assert_eq!((ran.code, ran.err.as_str()), (3, ""));
        holds(&ran.text(), &["1 input incomplete", "cut.pcap: the last record is cut", "(at byte 4814)"].map(|part| part));
    }
    let ran = callpath(&["analyze", "-o", &here.path("report").display().to_string(), &cut], b"");
    assert_eq!((ran.code, ran.text().as_str(), ran.err.lines().count()), (3, "", 1));
    holds(&ran.err, &["callpath: '", "cut.pcap': the last record is cut"]);
}
