//! Media by the whole program: streams that a relay passes on, keys pressed, fax, and what only looks like media.

mod support;

#[path = "support/skipped.rs"]
mod skipped;

use serde_json::Value;
use std::path::PathBuf;
use support::capture::capture;
use support::ladder::parse;
use support::root;
use support::run::{analyze, analyze_capture};

fn report(ladder: &str) -> Value {
    analyze_capture(&capture(&parse(ladder).unwrap()).unwrap(), None)
}

fn list<'v>(report: &'v Value, name: &str) -> &'v [Value] {
    report[name].as_array().unwrap()
}

/// A call of 100 packets each way through a relay at 192.0.2.10 and 198.51.100.9 whose far side nobody signals.
const RELAYED: &str = "\
0.0  a 10.1.5.10:5060 > b 192.0.2.10:5060 udp INVITE
0.1  b > a 200
0.2  a > b ACK
0.3  a 10.1.5.10:4000 > b 192.0.2.10:6000 rtp PCMA x 100 every 20 ms
also src=198.51.100.9:30000 dst=203.0.113.7:5004 ttl=62 after=1ms
0.3  b > a rtp PCMA x 100 every 20 ms
also src=203.0.113.7:5004 dst=198.51.100.9:30000 ttl=62 after=-1ms
2.5  a > b BYE
2.6  b > a 200
";

fn assert_is_one_call(report: &Value) {
    let calls: Vec<&Value> = list(report, "calls").iter().filter(|call| call["kind"] == "call").collect();
    let streams: Vec<&Value> = list(report, "streams").iter().filter(|stream| stream["call"] == calls[0]["id"]).collect();
    assert_eq!((calls.len(), streams.len()), (1, 4));
    for stream in streams.iter().filter(|stream| !stream["continues"].is_null()) {
        let near = streams.iter().find(|near| near["id"] == stream["continues"]).unwrap();
        assert_eq!(
            (&near["ssrc"], &stream["continues_by"], &stream["continues_ms"]),
            (&stream["ssrc"], &"same_payload".into(), &1.0.into())
        );
    }
    assert_eq!(streams.iter().filter(|stream| stream["continues"].is_null()).count(), 2);
}

#[test]
fn far_side_that_nobody_signals_belongs_to_the_call_and_counts_once() {
    let report = report(RELAYED);
    assert_is_one_call(&report);
    let totals = &report["totals"];
    assert_eq!((&totals["calls"], &totals["streams"], &totals["media_streams"]), (&1.into(), &4.into(), &2.into()));
}

#[test]
fn far_side_is_found_when_the_call_ends_long_before_the_capture() {
    let rest = "10.0 c 10.1.5.20:4000 > d 192.0.2.20:6000 rtp PCMA x 70000 every 20 ms\n";
    let report = report(&format!("{RELAYED}{rest}"));
    assert_is_one_call(&report);
    let kinds: Vec<&str> = list(&report, "calls").iter().filter_map(|call| call["kind"].as_str()).collect();
    assert_eq!(kinds, ["call", "media_only"]);
}

#[test]
fn unsignalled_sides_of_a_nat_are_one_call() {
    let report = report(
        "0.0  10.1.5.10:4000 > 192.0.2.10:6000 rtp PCMA x 100 every 20 ms\nalso src=203.0.113.4:4000 ttl=63 after=0.4ms\n\
         0.0  10.1.5.11:4000 > 192.0.2.11:6000 rtp PCMA x 100 every 20 ms\n",
    );
    let calls: Vec<usize> = list(&report, "calls").iter().map(|call| call["streams"].as_array().unwrap().len()).collect();
    assert_eq!((calls, &report["totals"]["media_streams"]), (vec![2, 1], &2.into()));
}

#[test]
fn loss_through_a_nat_is_located_across_both_streams() {
    let report = report(
        "0.0  10.1.5.10:4000 > 192.0.2.10:6000 rtp PCMA x 200 every 20 ms vlan=100 missing=50\n\
         also src=203.0.113.4:4000 vlan=200 ttl=63 after=0.4ms missing=100-104\n",
    );
    let located: Vec<&Value> = list(&report, "streams").iter().map(|stream| &stream["taps"][0]["located"]).collect();
    assert_eq!(located, ["1 not captured at tap 0", "5 between tap 0 and tap 1"]);
}

#[test]
fn score_falls_in_the_interval_that_lost_packets() {
    let report = report("0.0  10.1.5.10:4000 > 192.0.2.10:6000 rtp PCMA x 1500 every 20 ms lost=600-699\n");
    let stream = &list(&report, "streams")[0];
    let scores: Vec<f64> = list(stream, "intervals").iter().map(|interval| interval["mos"].as_f64().unwrap()).collect();
    assert_eq!((scores[0], scores[2], scores[1] < 3.0), (4.41, 4.41, true));
    assert_eq!(stream["mos_min"], scores[1]);
    assert!(stream["mos"].as_f64() > Some(scores[1]) && stream["mos_basis"].as_str().unwrap().starts_with("G.107: Ie 0, Bpl 25.1"));
}

/// Shared captures that were made by pressing these keys.
const DIGITS: [(&str, &str); 2] = [("c7bd9d43a", "2013785496"), ("ca7c887b1", "3125894607")];

fn shared(id: &str) -> Option<Value> {
    let Ok(folder) = std::fs::read_dir(root().join("../shared/captures/files")) else {
        skipped::skipped("media: keys and fax of real calls", "no ../shared/captures");
        return None;
    };
    let mut files = folder.map(|entry| entry.unwrap().path());
    let named = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(id));
    Some(analyze(&[files.find(named).unwrap()], None))
}

#[test]
fn keys_are_those_that_were_pressed() {
    for (id, keys) in DIGITS {
        let Some(report) = shared(id) else { return };
        let digits = list(&list(&report, "streams")[0], "dtmf");
        let pressed: String = digits.iter().filter_map(|digit| digit["digit"].as_str()).collect();
        assert_eq!(pressed, keys);
        assert!(digits.iter().all(|digit| digit["duration_ms"] == 200.0 && digit["volume"] == 10));
    }
}

#[test]
fn fax_that_nobody_took_is_told_as_offered() {
    let Some(report) = shared("cb402d3ee") else { return };
    let fax: Vec<&Value> = list(&report, "calls").iter().flat_map(|call| list(call, "fax")).collect();
    let offered = ["T.38 offered at 10.23.1.52:16756, accepted by nobody", "T.38 offered at 138.132.169.101:15580, accepted by nobody"];
    assert_eq!(fax, offered);
}

#[test]
fn fax_that_both_sides_take_is_told_with_both_ends() {
    let sdp = |ip: &str, port: u16| {
        format!("body=`v=0\\no=- 1 1 IN IP4 {ip}\\ns=-\\nc=IN IP4 {ip}\\nt=0 0\\nm=image {port} udptl t38\\n` content-type=application/sdp")
    };
    let (offer, answer) = (sdp("10.1.5.10", 4000), sdp("192.0.2.10", 6000));
    let lines = [
        format!("0.0  a 10.1.5.10:5060 > b 192.0.2.10:5060 udp INVITE {offer}"),
        format!("0.1  b > a 200 {answer}"),
        "0.2  a > b ACK".to_owned(),
    ];
    let report = report(&lines.join("\n"));
    assert_eq!(list(&report, "calls")[0]["fax"], serde_json::json!(["T.38 between 10.1.5.10:4000 and 192.0.2.10:6000"]));
}

/// Captures of games and calls without signalling, with the packets of each stream; tshark's heuristic finds dozens of one and two. RTCP
/// names the source of four.
const UNSIGNALLED: [(&str, &[u64]); 3] = [("c99329905", &[13]), ("ca0d3ff3b", &[]), ("cd0260c74", &[140, 179, 4, 28])];

#[test]
fn streams_are_found_by_consistency_and_look_alikes_are_not() {
    for (id, packets) in UNSIGNALLED {
        let Some(report) = shared(id) else { return };
        let found: Vec<u64> = list(&report, "streams").iter().filter_map(|stream| stream["packets"].as_u64()).collect();
        assert_eq!(found, packets, "{id}");
    }
}
