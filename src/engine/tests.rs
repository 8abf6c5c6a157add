//! The engine over records made here: nothing shows of how they were cut into windows.

use super::*;
use crate::ledger::Kind;
use crate::record::{Head, InterfaceId, LinkType, Window};
use std::sync::Arc;

mod late;

const A: [u8; 4] = [192, 0, 2, 1];
const B: [u8; 4] = [192, 0, 2, 2];

/// An IPv4 packet from A to B; `fragment` is the field of flags and offset (RFC 791 section 3.1).
pub(super) fn ip(protocol: u8, id: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let [f0, f1] = fragment.to_be_bytes();
    let [l0, l1] = (20 + payload.len() as u16).to_be_bytes();
    let header = [0x45, 0, l0, l1, 0, id, f0, f1, 64, protocol, 0, 0];
    [&header[..], &A, &B, payload].concat()
}

fn udp(payload: &str) -> Vec<u8> {
    [&[0x13, 0xc4, 0x13, 0xc4, 0, 8 + payload.len() as u8, 0, 0], payload.as_bytes()].concat()
}

fn syn(sequence: u8) -> Vec<u8> {
    vec![0x9c, 0x40, 0x13, 0xc5, 0, 0, 0, sequence, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0]
}

fn ack(sequence: u8) -> Vec<u8> {
    [&[0x9c, 0x40, 0x13, 0xc5, 0, 0, 0, sequence, 0, 0, 0, 0, 0x50, 16, 0xff, 0xff, 0, 0, 0, 0][..], &[0x16, 3, 1, 0]].concat()
}

pub(super) fn message(call_id: &str) -> String {
    format!("OPTIONS sip:b SIP/2.0\r\ni:{call_id}\r\nCSeq:1 OPTIONS\r\n\r\n")
}

/// IPv4 packets one second apart.
pub(super) fn window(packets: &[Vec<u8>], first: usize) -> Window {
    window_of(LinkType::IPV4, packets, first)
}

/// Frames of a link type one second apart.
pub(super) fn window_of(link: LinkType, packets: &[Vec<u8>], first: usize) -> Window {
    let mut heads = Vec::new();
    let mut offset = 0;
    for (i, packet) in packets.iter().enumerate() {
        let at = Timestamp((first + i) as i64 * 1_000_000_000);
        let (number, len, interface) = ((first + i) as u64 + 1, packet.len() as u32, InterfaceId(0));
        heads.push(Head { at, clock: at, number, offset, len, wire_len: len, block: 0, input: 0, interface, link });
        offset += u64::from(len);
    }
    Window { blocks: vec![Arc::new(packets.concat())], heads, first: Seq(first as u64), ..Window::default() }
}

/// What came of `packets` in windows of `size`.
fn facts(packets: &[Vec<u8>], size: usize) -> Vec<String> {
    let mut engine = Engine::default();
    let mut told = Vec::new();
    for (i, chunk) in packets.chunks(size).enumerate() {
        for (seq, fact) in engine.apply(vec![Decoded::of(window(chunk, i * size), None)], &[]) {
            told.push(match fact {
                Fact::Message(m) => {
                    let call_id = String::from_utf8_lossy(m.sip().call_id().unwrap_or_default()).into_owned();
                    format!("{} message {call_id} of record {} at {}", seq.0, m.seq().0, m.clock.0 / 1_000_000_000)
                }
                Fact::Connection { closed, .. } => format!("{} closed at {:?}", seq.0, closed.map(|clock| clock.0 / 1_000_000_000)),
                Fact::Stream(_) => format!("{} stream", seq.0),
                Fact::Rtcp(_) => format!("{} rtcp", seq.0),
                Fact::Stun(_) => format!("{} stun", seq.0),
                Fact::Service(_) => format!("{} service", seq.0),
                Fact::Lookup(_) => format!("{} lookup", seq.0),
                Fact::Routing(_) => format!("{} routing", seq.0),
            });
        }
    }
    assert_eq!(engine.ledger().sum(), packets.len() as u64);
    told
}

#[test]
fn front_of_a_datagram_is_read_where_its_identification_comes_again() {
    let mut packets = vec![ip(17, 7, 0x2000, &udp(&message("front")))];
    packets.extend((1..31).map(|_| ip(1, 0, 0, &[8, 0, 0, 0])));
    packets.push(ip(17, 0, 0, &udp(&message("before"))));
    packets.push(ip(17, 7, 0x2000, &udp(&message("again"))));
    packets.push(ip(17, 0, 0, &udp(&message("after"))));
    let want = ["31 message before of record 31 at 31", "32 message front of record 0 at 32", "33 message after of record 33 at 33"];
    for size in [1, 2, 5, 100] {
        assert_eq!(facts(&packets, size), want, "windows of {size}");
    }
}

/// The two fragments of a datagram, cut after `at` bytes.
fn halves(protocol: u8, id: u8, payload: &[u8], at: usize) -> [Vec<u8>; 2] {
    let (front, back) = payload.split_at(at);
    [ip(protocol, id, 0x2000, front), ip(protocol, id, at as u16 / 8, back)]
}

#[test]
fn message_in_fragments_within_tunnels_in_fragments_is_whole() {
    let gre = |packet: &[u8]| [&[0, 0, 8, 0][..], packet].concat();
    let [front, back] = halves(17, 9, &udp(&message("deep")), 24);
    let [a, b] = halves(47, 1, &gre(&front), 16);
    let [c, d] = halves(47, 2, &gre(&back), 16);
    // The inner front completes last.
    let packets = [c, a, d, b];
    for size in [1, 2, 4] {
        assert_eq!(facts(&packets, size), ["3 message deep of record 3 at 3"], "windows of {size}");
    }
    let mut engine = Engine::default();
    let told = engine.apply(vec![Decoded::of(window(&packets, 0), None)], &[]);
    let Some((_, Fact::Message(message))) = told.first() else { panic!("no message") };
    let mut records: Vec<_> = message.records().iter().map(|id| id.number).collect();
    records.sort_unstable();
    assert_eq!((records, engine.ledger().of(Kind::Sip), engine.ledger().sum()), (vec![1, 2, 3, 4], 4, 4));
}

#[test]
fn mirrored_frame_in_fragments_keeps_the_mirror_as_its_tap() {
    let frame = [&[2; 12][..], &[8, 0], &ip(17, 9, 0, &udp(&message("mirrored")))].concat();
    let erspan = [&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 100, 0, 7, 0, 0, 0, 0][..], &frame].concat();
    let mut engine = Engine::default();
    let told = engine.apply(vec![Decoded::of(window(&halves(47, 1, &erspan, 48), 0), None)], &[]);
    let Some((_, Fact::Message(message))) = told.first() else { panic!("no message") };
    let tap = &engine.taps.get(message.seen().tap).unwrap().key;
    assert_eq!((tap.mirror[0].id, tap.vlan.as_slice(), message.seen().macs.src), (Some(7), &[100][..], [2; 6]));
    assert_eq!((engine.ledger().of(Kind::Sip), engine.ledger().sum()), (2, 2));
}

#[test]
fn fragments_that_hold_fragments_that_never_complete_are_lost_and_counted() {
    let gre = |packet: &[u8]| [&[0, 0, 8, 0][..], packet].concat();
    let [front, _] = halves(17, 9, &udp(&message("half")), 16);
    let packets = halves(47, 1, &gre(&front), 16);
    let mut engine = Engine::default();
    engine.apply(vec![Decoded::of(window(&packets, 0), None)], &[]);
    assert_eq!((engine.ledger().of(Kind::Udp), engine.ledger().sum()), (2, 2));
    engine.sweep(&Wanted { all: true, ..Wanted::default() });
    assert_eq!(engine.ledger().sum(), 2);
}

#[test]
fn sip_in_chunks_of_sctp_is_read() {
    let text = message("sctp");
    let chunk = |flags: u8, tsn: u8, bytes: &[u8]| {
        let mut chunk = [&[0, flags, 0, 16 + bytes.len() as u8, 0, 0, 0, tsn, 0, 0, 0, 0, 0, 0, 0, 0][..], bytes].concat();
        chunk.resize(chunk.len().next_multiple_of(4), 0);
        chunk
    };
    let sctp = |chunk: Vec<u8>| ip(132, 0, 0, &[&[0x13, 0xc4, 0x13, 0xc4, 0, 0, 0, 1, 0, 0, 0, 0][..], &chunk].concat());
    let (front, back) = text.as_bytes().split_at(20);
    let packets = [sctp(vec![4, 0, 0, 4]), sctp(chunk(2, 1, front)), sctp(chunk(1, 2, back)), sctp(chunk(3, 3, text.as_bytes()))];
    assert_eq!(facts(&packets, 2), ["2 message sctp of record 2 at 2", "3 message sctp of record 3 at 3"]);
    let mut engine = Engine::default();
    engine.apply(vec![Decoded::of(window(&packets, 0), None)], &[]);
    assert_eq!((engine.ledger().of(Kind::Sip), engine.ledger().of(Kind::Sctp)), (3, 1));
}

#[test]
fn reopened_connection_closed_when_it_was_opened_again() {
    let mut packets = vec![ip(6, 0, 0, &syn(10)), ip(6, 0, 0, &ack(11)), ip(6, 0, 0, &syn(99))];
    packets.extend((0..4).map(|_| ip(1, 0, 0, &[8, 0, 0, 0])));
    for size in [1, 3, 100] {
        assert_eq!(facts(&packets, size), ["2 closed at Some(2)"], "windows of {size}");
    }
}
