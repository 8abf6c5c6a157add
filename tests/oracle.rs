//! callpath beside tshark on every shared capture: records, SIP messages, RTP streams, and which call a stream belongs to. What
//! differs stands in `oracle-differences.toml`, with the reason.

mod support;

#[path = "support/differences.rs"]
mod differences;
#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/skipped.rs"]
mod skipped;

use differences::{Differences, Known};
use oracle::{Capture, Counts, captures, key};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::OnceLock;
use support::root;
use support::run::analyze;

/// Captures there are; fewer would mean that some were not compared.
const CAPTURES: usize = 126;
/// Kinds of captures with SIP that both read.
const WITH_SIP: [&str; 5] = ["sip-only", "sip+rtp", "sip-tcp", "sip-encap", "sip-ipv6"];
/// Shorter streams are no reference: tshark's heuristic invents them.
const FEWEST_PACKETS: i64 = 20;
/// Static payload types as tshark calls them.
const CODECS: [(&str, &str); 3] = [("g711U", "PCMU"), ("g711A", "PCMA"), ("opus", "opus")];

/// A capture and callpath's report of it.
type Case = (Capture, Value);

/// Every capture with its report; `None`, and a line in `target/skipped`, where they are missing.
fn cases() -> Option<&'static [Case]> {
    static CASES: OnceLock<Option<Vec<Case>>> = OnceLock::new();
    let read = || {
        let folder = root().join("../shared/captures");
        if !folder.is_dir() {
            skipped::skipped("oracle: callpath against tshark", "no ../shared/captures");
            return None;
        }
        let report = |capture: Capture| {
            let report = analyze(std::slice::from_ref(&capture.path), None);
            (capture, report)
        };
        Some(captures(&folder).into_iter().map(report).collect())
    };
    CASES.get_or_init(read).as_deref()
}

fn known() -> Known {
    Known::read(&root().join("tests/oracle-differences.toml"))
}

fn list<'v>(report: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    report[name].as_array().unwrap().iter()
}

fn text<'v>(entry: &'v Value, name: &str) -> &'v str {
    entry[name].as_str().unwrap_or_default()
}

/// What differs between counts, one line a name.
fn uneven(ours: &Counts, theirs: &Counts) -> Vec<String> {
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let of = |counts: &Counts, name: &String| counts.get(name).copied().unwrap_or(0);
    let lines = names.into_iter().map(|name| (name, of(ours, name), of(theirs, name)));
    lines.filter(|(_, ours, theirs)| ours != theirs).map(|(name, ours, theirs)| format!("{name}: {ours} instead of {theirs}")).collect()
}

fn note(found: &mut Differences, table: &'static str, capture: &Capture, stream: &str, differ: Vec<String>) {
    if !differ.is_empty() {
        found.insert((table, capture.id.clone(), stream.to_owned()), differ);
    }
}

#[test]
fn every_record_of_every_capture_is_counted_once() {
    let Some(cases) = cases() else { return };
    assert_eq!(cases.len(), CAPTURES);
    for (capture, report) in cases {
        let sum = |name: &str| report["ledger"][name].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
        let packets = capture.packets();
        assert_eq!(sum("kinds") + sum("undecoded"), packets, "{}", capture.id);
        assert_eq!((&report["ledger"]["records"], &report["inputs"][0]["complete"]), (&packets.into(), &true.into()), "{}", capture.id);
    }
}

#[test]
fn sip_messages_are_as_many_as_tshark_counts() {
    let Some(cases) = cases() else { return };
    let mut found = Differences::new();
    for (capture, report) in cases.iter().filter(|(capture, _)| WITH_SIP.contains(&capture.kind.as_str())) {
        let ours: Counts = serde_json::from_value(report["totals"]["messages"].clone()).unwrap();
        note(&mut found, "sip", capture, "", uneven(&ours, &capture.messages()));
        note(&mut found, "statistics", capture, "", uneven(&capture.statistics(), &capture.messages()));
    }
    known().hold("sip", &of("sip", &found));
    known().hold("statistics", &of("statistics", &found));
}

/// The differences of one table.
fn of(table: &str, found: &Differences) -> Differences {
    found.iter().filter(|((of, ..), _)| *of == table).map(|(subject, differ)| (subject.clone(), differ.clone())).collect()
}

#[test]
fn streams_are_as_tshark_measures_them() {
    let Some(cases) = cases() else { return };
    let (mut found, mut compared) = (Differences::new(), 0);
    for (capture, report) in cases {
        let theirs = capture.streams();
        for row in theirs.iter().filter(|row| row.packets >= FEWEST_PACKETS) {
            let ours: Vec<&Value> = list(report, "streams").filter(|stream| key_of(stream) == row.key).collect();
            let differ = match ours.as_slice() {
                [] => vec!["packets: none instead of ".to_owned() + &row.packets.to_string()],
                [stream] => measured_apart(stream, row),
                several => vec![format!("{} streams instead of one", several.len())],
            };
            note(&mut found, "stream", capture, &row.key, differ);
            compared += 1;
        }
        let long = list(report, "streams").filter(|stream| stream["packets"].as_i64() >= Some(FEWEST_PACKETS));
        for stream in long.filter(|stream| theirs.iter().all(|row| row.key != key_of(stream))) {
            note(&mut found, "stream", capture, &key_of(stream), vec![format!("packets: {} instead of none", stream["packets"])]);
        }
    }
    known().hold("stream", &found);
    assert!(compared >= 40, "only {compared} streams compared");
}

fn key_of(stream: &Value) -> String {
    key(text(stream, "src"), text(stream, "dst"), text(stream, "ssrc"))
}

/// What differs between a stream and tshark's row of it.
fn measured_apart(stream: &Value, row: &oracle::Stream) -> Vec<String> {
    let mut differ = Vec::new();
    for (name, theirs) in [("packets", row.packets), ("lost", row.lost)] {
        if stream[name] != theirs {
            differ.push(format!("{name}: {} instead of {theirs}", stream[name]));
        }
    }
    for (name, theirs) in ["mean", "max"].into_iter().zip(row.jitter.into_iter().flatten()) {
        let ours = &stream["jitter_ms"][name];
        if !ours.as_f64().is_some_and(|ours| close(ours, theirs)) {
            differ.push(format!("jitter {name}: {ours} instead of {theirs}"));
        }
    }
    let codec = row.payloads.iter().find_map(|payload| CODECS.iter().find(|(theirs, _)| theirs == payload));
    if let Some((_, codec)) = codec.filter(|(_, codec)| text(stream, "codec") != *codec) {
        differ.push(format!("codec: {} instead of {codec}", stream["codec"]));
    }
    differ
}

/// Within 2 %, or what three printed decimals cannot tell.
fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= (theirs.abs() * 0.02).max(0.0015)
}

/// The Call-IDs of the call that a stream was bound to.
fn call_ids<'v>(report: &'v Value, stream: &Value) -> BTreeSet<&'v str> {
    let call = list(report, "calls").find(|call| call["id"] == stream["call"]).unwrap();
    assert!(call["streams"].as_array().unwrap().contains(&stream["id"]), "{}", stream["id"]);
    list(call, "legs").filter_map(|leg| leg["call_id"].as_str()).collect()
}

#[test]
fn streams_belong_to_the_call_that_announced_them() {
    let Some(cases) = cases() else { return };
    let mut bound = 0;
    for (capture, report) in cases.iter().filter(|(capture, _)| capture.kind == "sip+rtp") {
        let announced = capture.announced();
        for stream in list(report, "streams") {
            let ends = ["src", "dst"].map(|end| announced.get(&text(stream, end).parse::<SocketAddr>().unwrap()));
            let who: BTreeSet<&str> = ends.into_iter().flatten().flatten().map(String::as_str).collect();
            let ids = call_ids(report, stream);
            let right = if who.is_empty() { ids.is_empty() } else { ids.iter().any(|id| who.contains(id)) };
            assert!(right, "{} {}: of {ids:?}, announced by {who:?}", capture.id, key_of(stream));
            bound += usize::from(!who.is_empty());
        }
    }
    assert!(bound >= 25, "only {bound} streams were announced");
}

/// Calls of captures that show something of their own, read by eye from their messages: outcome, parties, status, codecs with packets.
const CALLS: [(&str, &[&str]); 12] = [
    ("c14f1f182", &["in_progress sk > palo 200: opus 450, opus 428"]),
    ("c3a5a616d", &["media_only: ? 407, ? 409", "call palo > sk"]),
    (
        "c4abcdbe2",
        &[
            "answered palo > danuska 200: opus 1218, opus 1184",
            "answered palo > jokel 200: opus 1119, opus 1111",
            "subscribe danuska > palo 200",
            "subscribe jokel > palo 200",
        ],
    ),
    // The second call is what the REFER within the first asked for; its media did not pass this phone.
    ("cfb6776a1", &["answered sk > palo 200: opus 1192, opus 4374", "answered sk > jokel 200"]),
    (
        "c3e4b55f8",
        &["register andreea > andreea 200", "in_progress andreea > thetestcall 200: PCMU 374", "message andreea > thetestcall 202"],
    ),
    // One call on both sides of a session border controller; the media of one side only.
    ("cb402d3ee", &["answered unavailable > 061963177 200: PCMA 159, PCMA 1171", "answered unavailable > 061963177 200"]),
    ("c376ded04", &["answered 447813812431 > 442088205173 200: CLEARMODE 375, CLEARMODE 344"]),
    // The callee's voice leaves the first call as it answers the second, which is heard one way.
    (
        "c786dc168",
        &[
            "answered sip:222.20.35.58 > lj 200: PCMU 2857, PCMU 1364",
            "answered sip:222.20.35.58 > lj 200: PCMU 1045",
            "answered sip:222.20.56.195 > wzb 200: PCMU 1982, PCMU 1977",
        ],
    ),
    (
        "cdc4a170a",
        &[
            "rejected sip:222.20.61.66 > ht 404",
            "rejected sip:222.20.61.66 > ht 404",
            "answered sip:222.20.58.184:50961 > wab 200: PCMU 4820, PCMU 4816",
        ],
    ),
    (
        "cda24856f",
        &[
            "register voi18063 > voi18063 401",
            "cancelled 816666 > 97239287044 408",
            "rejected voi18062 > 0097239287044 403",
            "register 35104723 > 35104723 200",
            "rejected 35104723 > 0097239287044 403",
            "no_answer 35104723 > 35104724 480: PCMA 9",
        ],
    ),
    // The media relay's far side has no readable signalling: the same packets again, as a call of their own until legs are joined.
    (
        "cdb50e905",
        &[
            "in_progress sip:200.57.7.195:55061;user=phone > francisco 200: PCMA 548, PCMA 891",
            "register Ivan > Ivan 200",
            "media_only: PCMA 548, PCMA 891",
            "register francisco > francisco 200",
            "in_progress 5514540002 > francisco",
        ],
    ),
    ("c4713f5de", &["answered sipp > mcr 200"]),
];

/// `answered a > b 200: PCMU 500`.
fn call(report: &Value, call: &Value) -> String {
    let outcome = call["outcome"].as_str().unwrap_or(text(call, "kind"));
    let parties = call["caller"].as_str().map(|caller| format!(" {caller} > {}", text(call, "callee"))).unwrap_or_default();
    let status = list(call, "legs").next().and_then(|leg| leg["status"].as_u64()).map(|status| format!(" {status}")).unwrap_or_default();
    let streams = list(report, "streams").filter(|stream| stream["call"] == call["id"]);
    let streams: Vec<String> = streams.map(|s| format!("{} {}", s["codec"].as_str().unwrap_or("?"), s["packets"])).collect();
    let media = if streams.is_empty() { String::new() } else { format!(": {}", streams.join(", ")) };
    format!("{outcome}{parties}{status}{media}")
}

#[test]
fn calls_are_what_their_messages_say() {
    let Some(cases) = cases() else { return };
    for (id, expected) in CALLS {
        let (_, report) = cases.iter().find(|(capture, _)| capture.id == id).unwrap();
        let calls: Vec<String> = list(report, "calls").map(|entry| call(report, entry)).collect();
        assert_eq!(calls, expected, "{id}");
    }
}
