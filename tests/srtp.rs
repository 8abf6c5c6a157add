//! SRTP whose keys stand in SDP, through the whole program: what sealed reports say is what the script of the capture put in, and a key
//! that is another by one octet opens nothing.

mod support;

use serde_json::{Value, json};
use support::root;
use support::run::analyze;

fn capture() -> Vec<u8> {
    std::fs::read(root().join("captures/srtp.pcap")).unwrap()
}

/// The streams of the report of these packets.
fn streams(packets: &[u8]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.pcap");
    std::fs::write(&path, packets).unwrap();
    let report = analyze(&[path], None);
    assert!(!report.to_string().contains("inline:"), "no key is in a report");
    report["streams"].as_array().unwrap().clone()
}

fn from<'v>(streams: &'v [Value], src: &str) -> &'v Value {
    streams.iter().find(|stream| stream["src"] == src).unwrap()
}

/// `packets` with the first octet of the `n`-th key changed.
fn with_another_key(mut packets: Vec<u8>, n: usize) -> Vec<u8> {
    let keys: Vec<usize> = packets.windows(7).enumerate().filter(|(_, part)| part == b"inline:").map(|(at, _)| at + 7).collect();
    let letter = &mut packets[keys[n]];
    *letter = if *letter == b'A' { b'B' } else { b'A' };
    packets
}

#[test]
fn sealed_reports_tell_what_the_far_side_lost_and_the_round_trip() {
    let streams = streams(&capture());
    let caller = &from(&streams, "192.0.2.10:4000")["rtcp"];
    let told = [&caller["reports"], &caller["lost"], &caller["fraction_max_percent"], &caller["jitter_ms"]["max"], &caller["unread"]];
    assert_eq!(told, [&json!(5), &json!(7), &json!(10.16), &json!(8.0), &json!(0)]);
    assert_eq!((&caller["rtt_ms"]["min"], &caller["rtt_ms"]["max"]), (&json!(36.0), &json!(36.0)));
    assert_eq!((&caller["sent"], &caller["cname"]), (&json!(234), &json!("a0000001")));
    let answerer = from(&streams, "198.51.100.20:6000");
    assert_eq!((&answerer["rtcp"]["lost"], &answerer["lost"], &answerer["rtcp"]["unread"]), (&json!(3), &json!(3), &json!(0)));
    assert_eq!(answerer["rtcp"]["rtt_ms"]["max"], json!(4.009), "a 65 536th of a second is the unit of the delay");
}

#[test]
fn key_is_proven_past_a_turn_of_sequence_numbers_and_a_change_of_keys() {
    let streams = streams(&capture());
    let proof = |suite: &str, rekeyed| json!({ "suite": suite, "verified": 4, "failed": 0, "rekeyed": rekeyed });
    let found: Vec<&Value> = streams.iter().map(|stream| &stream["srtp"]).collect();
    let (first, second) = (proof("AES_CM_128_HMAC_SHA1_80", false), proof("AEAD_AES_128_GCM", true));
    assert_eq!(found, [&first, &first, &second, &second]);
}

#[test]
fn a_key_that_is_another_by_one_octet_opens_nothing() {
    let streams = streams(&with_another_key(capture(), 0));
    let (caller, answerer) = (from(&streams, "192.0.2.10:4000"), from(&streams, "198.51.100.20:6000"));
    assert_eq!(caller["srtp"], json!({ "suite": null, "verified": 0, "failed": 4, "rekeyed": false }));
    assert_eq!(answerer["srtp"]["verified"], 4);
    let read = |rtcp: &Value| [&rtcp["reports"], &rtcp["lost"], &rtcp["unread"], &rtcp["rtt_ms"]["max"]].map(Value::clone);
    assert_eq!(read(&caller["rtcp"]), [json!(5), json!(7), json!(0), Value::Null], "what is answered cannot be read");
    assert_eq!(read(&answerer["rtcp"]), [json!(0), Value::Null, json!(5), Value::Null]);
}

#[test]
fn half_of_a_change_of_keys_fails_where_the_new_key_is_another() {
    let streams = streams(&with_another_key(capture(), 5));
    let proof = &from(&streams, "192.0.2.10:4100")["srtp"];
    assert_eq!(proof, &json!({ "suite": "AEAD_AES_128_GCM", "verified": 2, "failed": 2, "rekeyed": false }));
    assert_eq!(from(&streams, "192.0.2.10:4100")["rtcp"]["unread"], 0);
    assert_eq!(from(&streams, "198.51.100.20:6100")["rtcp"]["unread"], 1);
}

#[test]
fn without_keys_nothing_is_said_of_them() {
    let mut packets = capture();
    let places: Vec<usize> = packets.windows(9).enumerate().filter(|(_, part)| part == b"a=crypto:").map(|(at, _)| at).collect();
    places.into_iter().for_each(|at| packets[at + 2] = b'x');
    for stream in streams(&packets) {
        assert_eq!((&stream["srtp"], &stream["rtcp"]["reports"], &stream["secured"]), (&Value::Null, &json!(0), &json!(true)));
        assert_ne!(stream["rtcp"]["unread"], 0);
    }
}
