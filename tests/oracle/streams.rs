//! RTP streams: packets, loss, jitter and codec.

use super::cases::{Case, Compared, cases, known, list, text};
use super::tshark::{Stream, key};
use serde_json::Value;

/// Shorter streams are no reference: tshark's heuristic invents them.
const FEWEST_PACKETS: i64 = 20;
/// Static payload types as tshark calls them.
const CODECS: [(&str, &str); 3] = [("g711U", "PCMU"), ("g711A", "PCMA"), ("opus", "opus")];

/// Compares every stream of 20 packets and more that either finds.
pub fn compare(cases: &[Case]) -> Compared {
    let mut compared = Compared::default();
    for Case { capture, report } in cases {
        let theirs = capture.streams();
        for row in theirs.iter().filter(|row| row.packets >= FEWEST_PACKETS) {
            let ours: Vec<&Value> = list(report, "streams").filter(|stream| key_of(stream) == row.key).collect();
            let differ = match ours.as_slice() {
                [] => vec!["packets: none instead of ".to_owned() + &row.packets.to_string()],
                [stream] => measured_apart(stream, row),
                several => vec![format!("{} streams instead of one", several.len())],
            };
            compared.note("stream", capture, &row.key, differ);
            compared.subjects += 1;
            compared.things += 1;
        }
        let long = list(report, "streams").filter(|stream| stream["packets"].as_i64() >= Some(FEWEST_PACKETS));
        for stream in long.filter(|stream| theirs.iter().all(|row| row.key != key_of(stream))) {
            compared.note("stream", capture, &key_of(stream), vec![format!("packets: {} instead of none", stream["packets"])]);
            compared.subjects += 1;
        }
    }
    compared
}

#[test]
fn streams_are_as_tshark_measures_them() {
    let Some(cases) = cases() else { return };
    let compared = compare(cases);
    known().hold("stream", &compared.differences);
    assert!(compared.things >= 40, "only {} streams compared", compared.things);
}

/// What a stream of the report is known by.
pub fn key_of(stream: &Value) -> String {
    key(text(stream, "src"), text(stream, "dst"), text(stream, "ssrc"))
}

/// What differs between a stream and tshark's row of it.
fn measured_apart(stream: &Value, row: &Stream) -> Vec<String> {
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
