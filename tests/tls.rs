//! SIP over TLS as OpenSSL, GnuTLS, rustls and Kamailio write it (`captures/tls`), read with the secrets that they logged: the same
//! messages as tshark reads with them, and without them nothing but what is true.

#[path = "support/program.rs"]
mod program;
#[path = "support/skipped.rs"]
mod skipped;

use program::callpath;
use serde_json::{Value, json};
use skipped::skipped;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// An OPTIONS and a call.
const SCRIPT: [&str; 9] = ["OPTIONS", "200", "INVITE", "100", "180", "200", "ACK", "BYE", "200"];
/// What SIPp says to SIPp.
const SIPP: [&str; 7] = ["INVITE", "100", "180", "200", "ACK", "BYE", "200"];

const CASES: [&str; 18] = [
    "tls12-aes128-gcm",
    "tls12-aes256-gcm-mutual",
    "tls12-aes256-cbc-sha384",
    "tls12-aes128-cbc-sha1",
    "tls12-chacha20",
    "tls12-resumed",
    "tls12-resumed-id",
    "tls12-mac-then-encrypt",
    "tls13-aes128-gcm",
    "tls13-aes256-gcm",
    "tls13-chacha20",
    "tls13-resumed",
    "tls13-retry",
    "tls13-key-update",
    "gnutls-tls12-cbc",
    "gnutls-tls13",
    "rustls-tls12",
    "rustls-tls13",
];

fn path(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/tls").join(name).to_string_lossy().into_owned()
}

/// The report of `callpath analyze` with these arguments.
fn analyze(args: &[&str]) -> Value {
    serde_json::from_slice(&callpath(&[&["analyze", "--format", "json"], args].concat(), b"").out).unwrap()
}

fn with_keys(capture: &str, keys: &str) -> Value {
    analyze(&["--keylog", keys, capture])
}

/// Methods and statuses in order of the records that completed them, as the ladder of the one call has them.
fn ladder(capture: &str, more: &[&str]) -> Vec<String> {
    let args = [&["analyze", "--format", "terminal", "-v"][..], more, &[capture]].concat();
    let text = callpath(&args, b"").text();
    let arrows = text.lines().filter(|line| line.contains('│') && (line.contains('>') || line.contains('<')));
    arrows
        .map(|line| {
            let (_, arrow) = line.split_once('│').unwrap();
            arrow.trim_matches(|c: char| !c.is_ascii_alphanumeric()).split([' ', '(']).next().unwrap_or_default().to_owned()
        })
        .collect()
}

#[test]
fn every_case_gives_the_messages_that_tshark_reads() {
    let mut compared = 0;
    let cases = CASES.iter().map(|name| (*name, &SCRIPT[..])).chain(["kamailio-tls12", "kamailio-tls13"].map(|name| (name, &SIPP[..])));
    for (name, script) in cases {
        let (capture, keys) = (path(&format!("{name}.pcap")), path(&format!("{name}.keys")));
        let report = with_keys(&capture, &keys);
        let mut messages = BTreeMap::<&str, u32>::new();
        script.iter().for_each(|message| *messages.entry(message).or_default() += 1);
        assert_eq!(report["totals"]["messages"], json!(messages), "{name}");
        assert_eq!(report["ledger"]["undecoded"], json!({}), "{name}");
        let legs: Vec<&Value> = report["calls"].as_array().unwrap().iter().flat_map(|call| call["legs"].as_array().unwrap()).collect();
        assert!(legs.iter().all(|leg| leg["transport"] == "tls"), "{name}");
        let order = ladder(&capture, &["--keylog", &keys]);
        assert_eq!(order, script, "{name}");
        let connections = report["hops"].as_array().unwrap().iter().flat_map(|hop| hop["tls"].as_array().unwrap());
        assert!(connections.clone().all(|tls| (&tls["unopened"], &tls["lost"]) == (&json!(0), &json!(0))), "{name}");
        assert_eq!(connections.filter(|tls| tls["resumed"] == true).count(), usize::from(name.contains("resumed")), "{name}");
        compared += usize::from(tshark(&capture, &keys).is_some_and(|theirs| {
            assert_eq!(theirs, order, "{name}");
            true
        }));
    }
    if compared == 0 {
        skipped("tests/tls.rs: messages over TLS against tshark's", "tshark is not installed");
    }
}

/// The same of tshark.
fn tshark(capture: &str, keys: &str) -> Option<Vec<String>> {
    let option = format!("tls.keylog_file:{keys}");
    let mut command = Command::new("tshark");
    command.args(["-r", capture, "-o", &option, "-Y", "sip", "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code"]);
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.split(['\t', '\n', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

#[test]
fn early_data_is_not_read_and_what_follows_it_is() {
    let (capture, keys) = (path("tls13-early-data.pcap"), path("tls13-early-data.keys"));
    let report = with_keys(&capture, &keys);
    // The second connection begins with an OPTIONS in 0-RTT, sealed with the early secret: its answer is read, it is not. tshark reads
    // it too, and so should we.
    assert_eq!((&report["totals"]["messages"]["OPTIONS"], &report["totals"]["messages"]["200"]), (&json!(1), &json!(4)));
    let order = ["OPTIONS", "200", "200", "INVITE", "100", "180", "200", "ACK", "BYE", "200"];
    assert_eq!(ladder(&capture, &["--keylog", &keys]), order);
    // What is not read: the early data, its end, and the client's Finished behind that.
    let unopened: Vec<&Value> = report["hops"][0]["tls"].as_array().unwrap().iter().map(|tls| &tls["unopened"]).collect();
    assert_eq!(unopened, [0, 3]);
}

#[test]
fn secrets_in_the_file_are_found_behind_the_packets_and_in_front() {
    let after = path("dsb-after.pcapng");
    let from_file = analyze(&[&after]);
    let beside = with_keys(&path("tls13-aes128-gcm.pcap"), &path("tls13-aes128-gcm.keys"));
    for member in ["calls", "hops", "streams", "totals", "ledger"] {
        assert_eq!(from_file[member], beside[member], "{member}");
    }
    // From a pipe, blocks of secrets in front of the packets are known in time.
    let bytes = std::fs::read(&after).unwrap();
    let (packets, secrets) = split(&bytes);
    let before = [&packets[..header(packets)], secrets, &packets[header(packets)..]].concat();
    let report: Value = serde_json::from_slice(&callpath(&["analyze", "--format", "json", "-"], &before).out).unwrap();
    assert_eq!(report["totals"], beside["totals"]);
    // Behind them, what came before is kept until they come.
    let report: Value = serde_json::from_slice(&callpath(&["analyze", "--format", "json", "-"], &bytes).out).unwrap();
    for member in ["calls", "hops", "streams", "totals", "ledger"] {
        assert_eq!(report[member], beside[member], "{member}");
    }
}

/// Blocks up to the last, and that.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let len = u32::from_le_bytes(bytes[bytes.len() - 4..].try_into().unwrap()) as usize;
    bytes.split_at(bytes.len() - len)
}

/// Octets of the section header.
fn header(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize
}

#[test]
fn without_keys_the_connection_is_a_hop_and_nothing_is_guessed() {
    for name in CASES {
        let report = analyze(&[&path(&format!("{name}.pcap"))]);
        assert_eq!((&report["totals"]["messages"], &report["calls"]), (&json!({}), &json!([])), "{name}");
        let hops = report["hops"].as_array().unwrap();
        assert!(!hops.is_empty() && hops.iter().all(|hop| hop["kind"] == "signalling" && hop["call"] == Value::Null), "{name}");
        assert!(report["ledger"]["kinds"]["tls"].as_u64().unwrap() > 5, "{name}");
    }
}

#[test]
fn other_and_damaged_keys_read_nothing_and_say_nothing_secret() {
    let folder = tempfile::tempdir().unwrap();
    let keys = std::fs::read_to_string(path("tls12-aes128-gcm.keys")).unwrap();
    let secret = keys.split_whitespace().last().unwrap().to_owned();
    let wrong = keys.replace(&secret[..2], if &secret[..2] == "00" { "01" } else { "00" });
    for (n, text) in [wrong, keys[..keys.len() / 2].to_owned(), "not a key log\n".repeat(9), String::new()].iter().enumerate() {
        let file = folder.path().join(format!("{n}.keys"));
        std::fs::write(&file, text).unwrap();
        let ran = callpath(&["analyze", "--format", "json", "--keylog", file.to_str().unwrap(), &path("tls12-aes128-gcm.pcap")], b"");
        let report: Value = serde_json::from_slice(&ran.out).unwrap();
        assert_eq!(report["totals"]["messages"], json!({}), "{n}");
        assert!(!ran.text().contains(&secret) && !ran.err.contains(&secret));
    }
    let ran = callpath(&["analyze", "--format", "json", "--keylog", &path("tls12-aes128-gcm.keys"), &path("tls12-aes128-gcm.pcap")], b"");
    assert!(ran.text().contains("INVITE") && !ran.text().contains(&secret[..16]));
    let missing = callpath(&["analyze", "--keylog", "no-such-file.keys", &path("tls12-aes128-gcm.pcap")], b"");
    assert!(missing.code == 2 && missing.err.contains("no-such-file.keys") && missing.out.is_empty());
}

#[test]
fn damaged_records_are_no_messages_and_those_behind_a_gap_are() {
    for name in ["tls12-aes128-gcm", "tls12-aes256-cbc-sha384", "tls13-aes256-gcm"] {
        let (capture, keys) = (std::fs::read(path(&format!("{name}.pcap"))).unwrap(), path(&format!("{name}.keys")));
        // Without the record of the OPTIONS' answer, every other message is read.
        let mut cut = capture[..24].to_vec();
        let mut at = 24;
        let mut answers = 0;
        while at < capture.len() {
            let len = u32::from_le_bytes(capture[at + 8..at + 12].try_into().unwrap()) as usize;
            let frame = &capture[at..at + 16 + len];
            // Source port 5061 behind Ethernet and IPv4, TLS data, larger than a Finished.
            let is_answer = frame[16 + 34..16 + 36] == [0x13, 0xc5] && frame.len() > 400 && frame[16 + 66..].first() == Some(&23);
            answers += u32::from(is_answer);
            if !(is_answer && answers == if name.starts_with("tls13") { 3 } else { 1 }) {
                cut.extend_from_slice(frame);
            }
            at += 16 + len;
        }
        let report: Value = serde_json::from_slice(&callpath(&["analyze", "--format", "json", "--keylog", &keys, "-"], &cut).out).unwrap();
        let messages = &report["totals"]["messages"];
        assert_eq!((&messages["INVITE"], &messages["BYE"], &messages["180"]), (&json!(1), &json!(1), &json!(1)), "{name}: {messages}");
        assert_eq!(messages["200"], json!(2), "{name}");
    }
}
