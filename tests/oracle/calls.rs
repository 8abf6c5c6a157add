//! Which call a stream belongs to, and what calls come to.

use super::cases::{Case, cases, list, text};
use super::streams::key_of;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;

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
    for Case { capture, report } in cases.iter().filter(|case| case.capture.kind == "sip+rtp") {
        let announced = capture.announced();
        for stream in list(report, "streams") {
            // The other side of a NAT or relay is announced by whoever announced this side.
            let is_part =
                |other: &&Value| other["id"] == stream["id"] || other["continues"] == stream["id"] || stream["continues"] == other["id"];
            let parts = list(report, "streams").filter(is_part).flat_map(|part| ["src", "dst"].map(|end| text(part, end)));
            let ends = parts.map(|end| announced.get(&end.parse::<SocketAddr>().unwrap()));
            let who: BTreeSet<&str> = ends.flatten().flatten().map(String::as_str).collect();
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
    // A second leg is what the REFER within the first asked for; its media did not pass this phone.
    ("cfb6776a1", &["answered sk > palo 200: opus 1192, opus 4374"]),
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
    // The media relay's far side has no readable signalling; the same packets again, they belong to the call they were relayed for.
    (
        "cdb50e905",
        &[
            "in_progress sip:200.57.7.195:55061;user=phone > francisco 200: PCMA 548, PCMA 548, PCMA 891, PCMA 891",
            "register Ivan > Ivan 200",
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
        let report = &cases.iter().find(|case| case.capture.id == id).unwrap().report;
        let calls: Vec<String> = list(report, "calls").map(|entry| call(report, entry)).collect();
        assert_eq!(calls, expected, "{id}");
    }
}
