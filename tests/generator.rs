//! The bench generator keeps its word: what [`generator::Truth`] says is what a reader of the bytes counts.

use std::collections::{BTreeMap, HashMap};
use std::io::sink;

#[path = "../benches/support/gen.rs"]
mod generator;
use generator::{Plan, Truth};

fn written(plan: &Plan) -> (Vec<u8>, Truth) {
    let mut bytes = Vec::new();
    let truth = generator::write(plan, &mut bytes).expect("a Vec takes everything");
    (bytes, truth)
}

fn plan(shape: &str) -> Plan {
    Plan::named(shape).expect("a shape")
}

/// 20 calls to their end, with loss and late packets enough to see.
fn calls() -> Plan {
    Plan { bytes: None, calls: 20, talk_ms: 4_000, loss_ppm: 20_000, late_ppm: 10_000, ..plan("small") }
}

/// (time in µs, frame) of each record of a capture; panics on anything that is not whole.
fn records(capture: &[u8]) -> Vec<(u64, &[u8])> {
    let word = |at: usize| u32::from_le_bytes(capture[at..at + 4].try_into().expect("four bytes"));
    assert_eq!((word(0), word(20)), (0xa1b2_c3d4, 1));
    let (mut at, mut records) = (24, Vec::new());
    while at < capture.len() {
        let length = word(at + 8) as usize;
        assert_eq!(word(at + 12) as usize, length);
        records.push((u64::from(word(at)) * 1_000_000 + u64::from(word(at + 4)), &capture[at + 16..at + 16 + length]));
        at += 16 + length;
    }
    records
}

fn be16(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[0], bytes[1]])
}

#[derive(Default)]
struct Counted {
    messages: BTreeMap<String, u64>,
    /// Sequence numbers in order of arrival by (source, destination port, SSRC).
    streams: HashMap<(Vec<u8>, u16, u32), Vec<u16>>,
}

/// Counts what the frames hold, taking SIP by its port.
fn count(capture: &[u8], tag: usize) -> Counted {
    let mut counted = Counted::default();
    for (_, frame) in records(capture) {
        assert_eq!(be16(&frame[12 + tag..]), 0x0800);
        let ip = &frame[14 + tag..];
        assert_eq!(be16(&ip[2..]) as usize, ip.len());
        let (src, port, payload) = (ip[12..16].to_vec(), be16(&ip[22..]), &ip[28..]);
        if port == 5060 {
            let text = std::str::from_utf8(payload).expect("text");
            let word = |n| text.split(' ').nth(n).expect("a start line").to_owned();
            let key = if text.starts_with("SIP/2.0") { word(1) } else { word(0) };
            *counted.messages.entry(key).or_default() += 1;
        } else {
            assert_eq!(frame.len(), 214 + tag);
            let ssrc = u32::from_be_bytes(payload[8..12].try_into().expect("four bytes"));
            counted.streams.entry((src, port, ssrc)).or_default().push(be16(&payload[2..]));
        }
    }
    counted
}

/// (expected − received, arrivals below the highest) by extended sequence numbers (RFC 3550 section A.1).
fn lost_and_reordered(arrivals: &[u16]) -> (u64, u64) {
    let first = arrivals[0];
    let offsets: Vec<i64> = arrivals.iter().map(|s| i64::from(s.wrapping_sub(first) as i16)).collect();
    let mut highest = 0;
    let mut reordered = 0;
    for offset in offsets {
        reordered += u64::from(offset < highest);
        highest = highest.max(offset);
    }
    ((highest + 1) as u64 - arrivals.len() as u64, reordered)
}

#[test]
fn truth_is_what_a_reader_counts() {
    let (bytes, truth) = written(&calls());
    let counted = count(&bytes, 0);
    assert_eq!(truth.bytes as usize, bytes.len());
    assert_eq!(truth.packets as usize, records(&bytes).len());
    assert_eq!(truth.messages, counted.messages);
    assert_eq!(truth.messages["INVITE"], 20);
    assert_eq!(truth.messages["200"], 40);
    assert_eq!(truth.streams.len(), 40);
    assert_eq!(counted.streams.len(), 40);
    for stream in &truth.streams {
        let arrivals = &counted.streams[&(stream.src.ip().octets().to_vec(), stream.dst.port(), stream.ssrc)];
        assert_eq!(arrivals.len() as u64, stream.packets, "{stream}");
        assert_eq!(lost_and_reordered(arrivals), (stream.lost, stream.reordered), "{stream}");
        assert!(stream.lost <= stream.dropped, "{stream}");
    }
    assert!(truth.streams.iter().any(|s| s.lost > 0) && truth.streams.iter().any(|s| s.reordered > 0));
}

#[test]
fn time_never_goes_back() {
    let (bytes, _) = written(&calls());
    assert!(records(&bytes).is_sorted_by_key(|&(at, _)| at));
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let small = Plan { bytes: Some(300_000), ..plan("big") };
    assert_eq!(written(&small).0, written(&small).0);
    assert_ne!(written(&small).0, written(&Plan { seed: 2, ..small }).0);
}

#[test]
fn a_mirror_writes_every_frame_again() {
    let (_, once) = written(&Plan { vlan: Some(20), ..calls() });
    let (bytes, twice) = written(&Plan { vlan: Some(20), mirror: Some(30), ..calls() });
    assert_eq!((twice.packets, twice.messages, bytes.len() as u64), (once.packets * 2, once.messages, twice.bytes));
}

#[test]
fn a_vlan_tags_every_frame() {
    let (bytes, truth) = written(&Plan { vlan: Some(20), ..calls() });
    assert!(records(&bytes).iter().all(|(_, frame)| frame[12..16] == [0x81, 0x00, 0, 20]));
    assert_eq!(count(&bytes, 4).messages, truth.messages);
}

#[test]
fn twice_the_length_is_more_time_not_more_calls_at_once() {
    let once = Plan { bytes: Some(2_000_000), calls: 20, ramp_us: 100_000, talk_ms: 3_000, ..plan("big") };
    let twice = Plan { length: 2, ..once.clone() };
    let seconds = |plan: &Plan| {
        let bytes = written(plan).0;
        let records = records(&bytes);
        (records[records.len() - 1].0 - records[0].0) as f64 / 1e6
    };
    assert!((1.9..2.2).contains(&(seconds(&twice) / seconds(&once))), "{} {}", seconds(&once), seconds(&twice));
}

#[test]
fn wide_holds_two_flows_per_call_at_once() {
    let truth = generator::write(&Plan { bytes: Some(4_000_000), calls: 500, ..plan("wide") }, &mut sink()).expect("a sink");
    assert_eq!((truth.messages["INVITE"], truth.streams.len()), (500, 1_000));
}

#[test]
fn signalling_only_is_three_kinds_of_dialog_of_the_size_seen_in_the_field() {
    let (bytes, truth) = written(&Plan { bytes: Some(3_000_000), talk_ms: 50, ..plan("siponly") });
    let counted = count(&bytes, 0);
    assert_eq!(counted.messages, truth.messages);
    assert!(counted.streams.is_empty());
    for key in ["OPTIONS", "REGISTER", "401", "INVITE", "BYE"] {
        assert!(truth.messages[key] > 50, "{key}");
    }
    let mean = (truth.bytes - 24) / truth.packets - 16 - 42;
    assert!((640..665).contains(&mean), "{mean} octets per message");
}

#[test]
fn the_summary_adds_up() {
    let (_, truth) = written(&calls());
    let text = truth.to_string();
    assert!(text.contains(&format!("dropped {}\n", truth.streams.iter().map(|s| s.dropped).sum::<u64>())), "{text}");
}
