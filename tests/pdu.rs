//! PDUs that tshark exported (`captures/pdu`, described in `captures/README.md`) give the messages of the captures that they were
//! exported from.

#[path = "support/program.rs"]
mod program;

use program::callpath;
use serde_json::{Value, json};
use std::path::Path;

/// An export, the capture it was made from, what carried its legs as the tags say, and records that hold again what others hold.
type Export = (&'static str, &'static str, &'static str, u64);

/// Layer 7: text, decrypted where it was encrypted. What TLS carried comes once as that and once for each message in it.
const TEXT: [Export; 5] = [
    ("sip-udp", "sipp-udp.pcap", "udp", 0),
    ("sip-tcp", "sipp-tcp.pcap", "tcp", 0),
    ("sip-sctp", "encap/sctp.pcap", "sctp", 0),
    ("sip-tls12", "tls/tls12-aes128-gcm.pcap", "tcp", 9),
    ("sip-tls13", "tls/tls13-resumed.pcap", "tcp", 9),
];

fn path(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name).to_string_lossy().into_owned()
}

/// What `callpath analyze` prints of a capture, read with the keys that stand beside it.
fn analyze(format: &[&str], capture: &str) -> Vec<u8> {
    let keys = path(&capture.replace(".pcap", ".keys"));
    let keys = if Path::new(&keys).exists() { vec!["--keylog", &keys] } else { Vec::new() };
    let ran = callpath(&[&["analyze", "--fail-on", "never", "--format"], format, &keys, &[&path(capture)]].concat(), b"");
    assert_eq!(ran.code, 0, "{capture}: {}", ran.err);
    ran.out
}

fn report(capture: &str) -> Value {
    serde_json::from_slice(&analyze(&["json"], capture)).unwrap()
}

/// Start lines in order of the records that completed them, as the ladders of all calls have them.
fn ladders(capture: &str) -> Vec<String> {
    let text = String::from_utf8(analyze(&["terminal", "-v"], capture)).unwrap();
    // Media is not among text.
    let is_message = |line: &&str| line.contains('│') && line.contains(['>', '<']) && !line.contains('═');
    let arrows = text.lines().filter(is_message);
    arrows.map(|line| line.split_once('│').unwrap().1.replace(['│', '─', ' '], "")).collect()
}

fn legs(report: &Value) -> impl Iterator<Item = &Value> {
    report["calls"].as_array().unwrap().iter().flat_map(|call| call["legs"].as_array().unwrap())
}

/// What an export and its origin must agree on, leg by leg.
fn agreed(report: &Value) -> Vec<Value> {
    let figures = ["call_id", "from", "to", "a", "b", "requests", "responses", "retransmissions", "status", "setup_ms"];
    legs(report).map(|leg| figures.iter().map(|name| leg[*name].clone()).collect()).collect()
}

#[test]
fn exported_text_is_the_messages_of_its_origin() {
    for (name, origin, transport, copies) in TEXT {
        let export = format!("pdu/{name}.pcap");
        let (ours, theirs) = (report(&export), report(origin));
        assert_eq!(ours["totals"]["messages"], theirs["totals"]["messages"], "{name}");
        assert_eq!(agreed(&ours), agreed(&theirs), "{name}");
        assert!(legs(&ours).count() > 0 && legs(&ours).all(|leg| leg["transport"] == transport), "{name}");
        assert_eq!(ladders(&export), ladders(origin), "{name}");
        let ledger = &ours["ledger"];
        assert_eq!((&ledger["undecoded"], &ledger["duplicates"]), (&json!({}), &json!(copies)), "{name}");
        assert_eq!(ledger["kinds"]["sip"], ledger["records"], "{name}");
    }
}

#[test]
fn exported_datagrams_and_segments_are_read_as_they_were_on_the_wire() {
    for (name, transport) in [("wire-udp", "udp"), ("wire-tcp", "tcp")] {
        let ours = report(&format!("pdu/{name}.pcap"));
        assert_eq!(ours["totals"]["messages"], json!({ "INVITE": 1, "100": 1, "180": 1, "200": 1, "ACK": 1 }), "{name}");
        let streams = ours["streams"].as_array().unwrap();
        assert!(streams.len() == 2 && streams.iter().all(|stream| stream["codec"] == "PCMA" && stream["lost"] == 0), "{name}");
        assert!(legs(&ours).all(|leg| leg["transport"] == transport), "{name}");
        assert_eq!(ours["ledger"]["undecoded"], json!({}), "{name}");
    }
}

#[test]
fn exported_segments_of_tls_are_decrypted() {
    let keys = path("tls/tls12-aes128-gcm.keys");
    let read = |keys: &[&str]| -> Value {
        let capture = path("pdu/wire-tls12.pcap");
        serde_json::from_slice(&callpath(&[&["analyze", "--format", "json"], keys, &[&capture]].concat(), b"").out).unwrap()
    };
    let (opened, closed) = (read(&["--keylog", &keys]), read(&[]));
    assert_eq!(agreed(&opened), agreed(&report("tls/tls12-aes128-gcm.pcap")));
    assert!(legs(&opened).all(|leg| leg["transport"] == "tls"));
    assert_eq!((&closed["totals"]["messages"], &closed["ledger"]["undecoded"]), (&json!({}), &json!({})));
    assert_eq!(closed["ledger"]["kinds"]["tls"], closed["ledger"]["records"]);
}

#[test]
fn every_export_is_described() {
    let readme = std::fs::read_to_string(path("README.md")).unwrap();
    for file in std::fs::read_dir(path("pdu")).unwrap() {
        let name = file.unwrap().file_name().to_string_lossy().replace(".pcap", "");
        assert!(readme.contains(&format!("\n| {name} |")), "captures/README.md does not describe {name}");
    }
}
