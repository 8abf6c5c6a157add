//! Real captures against `tshark -z rtp,streams`: packets, loss, delta and jitter of every stream of 20 packets or more.

use super::media::MediaFlow;
use super::stream::Stream;
use crate::decode::{FlowKey, Home, Link, MacPair, Packet, TapId, TunnelsId, flow_key};
use crate::ledger::Ledger;
use crate::proto::rtp::Header;
use crate::record::{RecordId, Seq, SourceId};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Streams whose figures differ, and why.
const DIFFERENT: [(&str, u32, &str); 2] = [
    ("cb402d3ee", 0x17d9_0134, "timestamps begin anew, before the first: tshark leaves all that follow out of its means"),
    ("cb402d3ee", 0x0eaf_0eaf, "tshark reads what comes after the switch to T.38 as no RTP"),
];

/// One row of tshark's table.
#[derive(Debug)]
struct Row {
    key: (SocketAddr, SocketAddr, u32),
    clock_rate: Option<u32>,
    packets: u64,
    lost: i64,
    one_payload_type: bool,
    /// Minimum, mean and maximum delta, then jitter, in ms; jitter from -1 up where tshark knows no clock rate.
    figures: [f64; 6],
}

fn row(line: &str) -> Option<Row> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let percent = words.iter().position(|w| w.starts_with('(') && w.ends_with("%)"))?;
    let address = |i: usize| format!("{}:{}", words[i], words[i + 1]).parse::<SocketAddr>().ok();
    let figures: Vec<f64> = words[percent + 1..percent + 7].iter().map(|w| w.parse().unwrap()).collect();
    Some(Row {
        key: (address(2)?, address(4)?, u32::from_str_radix(words[6].trim_start_matches("0x"), 16).ok()?),
        clock_rate: if words[7] == "opus" { Some(48_000) } else { Some(8_000).filter(|_| figures[3] >= 0.0) },
        one_payload_type: percent == 10,
        packets: words[percent - 2].parse().ok()?,
        lost: words[percent - 1].parse().ok()?,
        figures: figures.try_into().ok()?,
    })
}

/// UDP over IPv4 in Ethernet or Linux cooked frames of a little-endian pcap with µs; anything else is passed over.
fn streams(capture: &[u8]) -> Vec<Box<Stream>> {
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut flows: BTreeMap<FlowKey, MediaFlow> = BTreeMap::new();
    let (mut ledger, mut rest, mut number) = (Ledger::default(), &capture[24..], 0);
    let link_len = if word(capture, 20) == 113 { 16 } else { 14 };
    while rest.len() >= 16 {
        let at = Timestamp(i64::from(word(rest, 0)) * 1_000_000_000 + i64::from(word(rest, 4)) * 1_000);
        let (frame, next) = rest[16..].split_at(word(rest, 8) as usize);
        (rest, number) = (next, number + 1);
        let Some((flow, dir, payload)) = frame.get(link_len - 2..).and_then(udp) else { continue };
        let Some(header) = Header::read(payload) else { continue };
        let link = Link { macs: MacPair::default(), ttl: frame[link_len + 8], dscp: 0 };
        let id = RecordId { input: 0, number };
        let packet = Packet {
            seq: Seq(number),
            id,
            at,
            clock: at,
            tap: TapId(0),
            link,
            flow,
            dir,
            tcp: None,
            payload,
            cut: 0,
            source: SourceId(0),
            fragments: &[],
            held: 0,
            agent: None,
            home: Home::default(),
            tunnels: TunnelsId(0),
        };
        flows.entry(flow).or_default().rtp(&packet, &header, &mut ledger);
    }
    let mut out = Vec::new();
    flows.iter_mut().for_each(|(flow, media)| media.take(*flow, |_| true, &mut out));
    out
}

fn udp(frame: &[u8]) -> Option<(FlowKey, crate::decode::Dir, &[u8])> {
    let ip = frame.strip_prefix(&[8, 0])?;
    let header_len = usize::from(ip.first()? & 0x0f) * 4;
    let unfragmented = ip.get(6)? & 0x3f == 0 && *ip.get(7)? == 0;
    let udp = ip.get(header_len..).filter(|_| unfragmented && ip.get(9) == Some(&17))?;
    let len = usize::from(u16::from_be_bytes([*udp.get(4)?, *udp.get(5)?]));
    let address = |at: usize| ip.get(at..at + 4)?.try_into().ok();
    let port = |at: usize| u16::from_be_bytes([udp[at], udp[at + 1]]);
    let (flow, dir) = FlowKey::v4(address(12)?, port(0), address(16)?, port(2), flow_key::UDP);
    Some((flow, dir, udp.get(8..len)?))
}

fn shared_captures() -> Option<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|up| up.join("shared/captures")).find(|path| path.is_dir())
}

/// Rows of one capture: those that tshark finds with signalling, else those of its heuristic.
fn rows(oracle: &Path) -> Vec<Row> {
    let read = |name: &str| std::fs::read_to_string(oracle.join(name)).ok();
    let text = read("rtp_streams.txt").or_else(|| read("rtp_streams_heur.txt")).unwrap_or_default();
    text.lines().filter_map(row).filter(|row| row.packets >= 20 && row.lost >= 0).collect()
}

/// Within 2 %, or what three printed decimals cannot tell.
fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= (theirs.abs() * 0.02).max(0.0015)
}

/// What differs between the stream and the row, empty if nothing.
fn differences(row: &Row, stream: &Stream) -> Vec<String> {
    let mut differ = Vec::new();
    let mut check = |what: &str, ours: f64, theirs: f64| {
        if !close(ours, theirs) {
            differ.push(format!("{what} {ours} instead of {theirs}"));
        }
    };
    let [min, mean, max, _, mean_jitter, max_jitter] = row.figures;
    check("packets", stream.packets() as f64, row.packets as f64);
    check("lost", stream.lost() as f64, row.lost as f64);
    let delta = stream.delta().unwrap();
    check("min delta", delta.min.as_millis_f64(), min);
    check("max delta", delta.max.as_millis_f64(), max);
    let Some(clock_rate) = row.clock_rate else { return differ };
    check("mean delta", delta.mean.as_millis_f64(), mean);
    // tshark lets telephone events, whose timestamp stands still, into the jitter of the audio around them.
    if row.one_payload_type {
        let jitter = stream.jitter(clock_rate).unwrap();
        check("mean jitter", jitter.mean.as_millis_f64(), mean_jitter);
        check("max jitter", jitter.max.as_millis_f64(), max_jitter);
    }
    differ
}

#[test]
fn streams_of_real_captures_are_as_tshark_sees_them() {
    let Some(shared) = shared_captures() else { return skip("flow::tshark: no shared captures") };
    let (mut compared, mut problems) = (BTreeMap::<String, usize>::new(), Vec::new());
    for entry in std::fs::read_dir(shared.join("files")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let capture = std::fs::read(shared.join("files").join(&name)).unwrap();
        if !capture.starts_with(&[0xd4, 0xc3, 0xb2, 0xa1]) || !matches!(capture[20], 1 | 113) {
            continue;
        }
        let streams = streams(&capture);
        for row in rows(&shared.join("oracle").join(&name[..9])) {
            if DIFFERENT.iter().any(|(id, ssrc, _)| name.starts_with(id) && *ssrc == row.key.2) {
                continue;
            }
            let key = |stream: &Stream| (stream.flow.from_to(stream.dir).0, stream.flow.from_to(stream.dir).1, stream.ssrc.0);
            let found = streams.iter().find(|stream| key(stream) == row.key).map(|stream| differences(&row, stream));
            let found = found.unwrap_or_else(|| vec!["not found".into()]);
            problems.extend(found.iter().map(|what| format!("{name} {:?}: {what}", row.key)));
            *compared.entry(name.clone()).or_default() += 1;
        }
    }
    assert_eq!(problems, Vec::<String>::new());
    assert!(compared.len() >= 20, "{compared:?}");
}

/// Tells `make test` what could not be tested here.
fn skip(what: &str) {
    use std::io::Write;
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    std::fs::create_dir_all(&target).unwrap();
    let mut list = std::fs::OpenOptions::new().create(true).append(true).open(target.join("skipped")).unwrap();
    writeln!(list, "{what}").unwrap();
}
