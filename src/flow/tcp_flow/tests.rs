//! Hostile and ordinary TCP: orders, copies, gaps, taps that disagree, WebSocket frames; and that work grows with the bytes alone.

use super::*;
use crate::decode::{FlowKey, Home, Link, MacPair, TapId, TcpHeader, TunnelsId, flow_key};
use crate::record::{RecordId, SourceId};
use crate::time::Span;

mod framing;
mod websocket;

const INVITE: &[u8] = b"INVITE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 10\r\n\r\n0123456789";
const BYE: &[u8] = b"BYE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n";
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
/// Sequence numbers wrap within the first message.
const ISN: u32 = u32::MAX - 21;

/// A segment.
#[derive(Clone)]
struct Segment {
    offset: u32,
    bytes: Vec<u8>,
    cut: u32,
    ms: i64,
    tap: u32,
    dir: Dir,
    flags: u8,
    isn: u32,
}

fn segment(offset: usize, bytes: &[u8]) -> Segment {
    Segment { offset: offset as u32, bytes: bytes.to_vec(), cut: 0, ms: 0, tap: 0, dir: Dir::Up, flags: ACK, isn: ISN }
}

impl Segment {
    fn at(self, ms: i64) -> Self {
        Self { ms, ..self }
    }
    fn cut(self, cut: u32) -> Self {
        Self { cut, ..self }
    }
    fn tap(self, tap: u32, isn: u32) -> Self {
        Self { tap, isn, ..self }
    }
    fn down(self) -> Self {
        Self { dir: Dir::Down, ..self }
    }
}

fn syn(isn: u32) -> Segment {
    Segment { flags: SYN, isn: isn.wrapping_sub(1), ..segment(0, b"") }
}

/// A connection and what was read of it.
#[derive(Default)]
struct Run {
    flow: Option<TcpFlow>,
    ledger: Ledger,
    n: u64,
    read: Vec<Message>,
}

impl Run {
    /// Gives a segment; the methods, or statuses, that are read then, with `!` where they are cut.
    fn give(&mut self, segment: &Segment) -> String {
        let at = Timestamp(0) + Span::millis(segment.ms);
        let packet = Packet {
            seq: Seq(self.n),
            id: RecordId { input: 0, number: self.n + 1 },
            at,
            clock: at,
            tap: TapId(segment.tap),
            source: SourceId(0),
            link: Link { macs: MacPair::default(), ttl: 64, dscp: 0 },
            flow: FlowKey::v4([192, 0, 2, 1], 5060, [192, 0, 2, 2], 5060, flow_key::TCP).0,
            dir: segment.dir,
            tcp: Some(TcpHeader { seq: segment.isn.wrapping_add(segment.offset), ack: 0, flags: segment.flags & !ACK }),
            payload: &segment.bytes,
            cut: segment.cut,
            fragments: &[],
            held: 0,
            agent: None,
            tunnels: TunnelsId(0),
            home: Home::default(),
        };
        self.n += 1;
        let mut out = Vec::new();
        if self.flow.as_ref().is_some_and(|flow| flow.is_reopened_by(&packet)) {
            self.flow = None;
        }
        self.flow.get_or_insert_with(|| TcpFlow::open(&packet)).apply(
            &packet,
            &KeyLog::default(),
            &mut Near::default(),
            &mut self.ledger,
            &mut out,
        );
        self.told(out)
    }

    fn told(&mut self, out: Vec<Message>) -> String {
        let name = |m: &Message| {
            format!("{}{}", m.sip().status().map_or_else(|| text(m.sip().method_text()), |s| s.to_string()), if m.cut { "!" } else { "" })
        };
        let told: Vec<String> = out.iter().map(name).collect();
        self.read.extend(out);
        told.join(" ")
    }

    fn all(&mut self, segments: &[Segment]) -> String {
        let told: Vec<String> = segments.iter().map(|segment| self.give(segment)).filter(|told| !told.is_empty()).collect();
        assert_eq!(self.ledger.sum(), self.n, "every record once");
        told.join(" ")
    }

    /// Ends the connection.
    fn end(&mut self) -> String {
        let mut out = Vec::new();
        self.flow.as_mut().unwrap().tick(Timestamp(i64::MAX), true, &KeyLog::default(), &mut self.ledger, &mut out);
        self.told(out)
    }

    fn half(&self) -> &crate::flow::connection::Half {
        self.flow.as_ref().unwrap().connection.half(Dir::Up)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(segments: &[Segment]) -> String {
    Run::default().all(segments)
}

/// `stream` in segments of `step` bytes.
fn pieces(stream: &[u8], step: usize) -> Vec<Segment> {
    stream.chunks(step).enumerate().map(|(i, bytes)| segment(i * step, bytes)).collect()
}

#[test]
fn message_that_the_snap_length_cut_is_read_at_once_as_cut() {
    let mut run = Run::default();
    assert_eq!(run.give(&segment(0, &INVITE[..INVITE.len() - 4]).cut(4)), "INVITE!");
    assert_eq!(run.give(&segment(INVITE.len(), BYE)), "BYE");
}

#[test]
fn message_whose_rest_never_came_is_read_as_cut_when_the_gap_is_given_up() {
    let mut run = Run::default();
    assert_eq!(run.all(&[segment(0, &INVITE[..30]), segment(INVITE.len(), BYE).at(1)]), "");
    assert_eq!(run.give(&segment(INVITE.len() + BYE.len(), BYE).at(2_500)), "INVITE! BYE BYE");
    assert_eq!(run.half().lost, INVITE.len() as u64 - 30);
}

#[test]
fn rest_that_comes_late_fills_its_gap() {
    let (first, rest) = INVITE.split_at(30);
    let mut run = Run::default();
    assert_eq!(run.all(&[segment(0, first), segment(INVITE.len(), BYE).at(1)]), "");
    assert_eq!(run.give(&segment(30, rest).at(900)), "INVITE BYE");
}

#[test]
fn any_order_and_any_overlap_give_the_same_messages() {
    let stream = [INVITE, BYE, b"\r\n\r\n", INVITE].concat();
    for step in [1, 7, 50] {
        let mut forth = vec![syn(ISN)];
        forth.extend(pieces(&stream, step));
        assert_eq!(read(&forth), "INVITE BYE INVITE");
        forth[1..].reverse();
        assert_eq!(read(&forth), "INVITE BYE INVITE");
        let mut odd = vec![syn(ISN)];
        odd.extend(pieces(&stream, step).into_iter().skip(1).step_by(2));
        odd.extend(pieces(&stream, step).into_iter().step_by(2));
        odd.extend((0..stream.len() - 9).map(|at| segment(at, &stream[at..at + 9])));
        let mut run = Run::default();
        assert_eq!((run.all(&odd).as_str(), run.half().conflicts, run.half().lost), ("INVITE BYE INVITE", 0, 0));
    }
}

#[test]
fn first_copy_of_a_byte_wins_and_the_other_is_counted() {
    let forged = text(INVITE).replace("0123", "evil").into_bytes();
    let mut run = Run::default();
    assert_eq!(run.all(&[syn(ISN), segment(40, &INVITE[40..]), segment(40, &forged[40..]), segment(0, &forged)]), "INVITE");
    assert_eq!((run.read[0].text.bytes(), run.half().conflicts), (INVITE, 2));
    let mut run = Run::default();
    assert_eq!(run.all(&[syn(ISN), segment(0, &INVITE[..64]), segment(0, &forged)]), "INVITE");
    assert_eq!((run.read[0].text.bytes(), run.half().conflicts), (INVITE, 1));
}

#[test]
fn probes_change_nothing() {
    // Keep-alive: the number before the next, any byte. Window probe: the next byte alone, then again with the rest.
    let told = read(&[
        syn(ISN),
        segment(0, BYE),
        segment(BYE.len() - 1, b"\0"),
        segment(BYE.len(), &INVITE[..1]),
        segment(BYE.len(), &INVITE[..1]),
        segment(BYE.len(), INVITE),
        segment(BYE.len() + INVITE.len() - 1, b"\0"),
    ]);
    assert_eq!(told, "BYE INVITE");
    let mut run = Run::default();
    assert_eq!(run.all(&[segment(0, b"\0"), segment(1, INVITE)]), "INVITE", "joined at a keep-alive");
    assert_eq!(run.half().conflicts, 0);
}

#[test]
fn keepalives_between_messages_are_sip() {
    let mut run = Run::default();
    run.all(&[segment(0, BYE), segment(BYE.len(), b"\r\n\r\n"), segment(BYE.len() + 4, b"\r\n")]);
    assert_eq!((run.ledger.of(Kind::Sip), run.ledger.of(Kind::Tcp)), (3, 0));
}

#[test]
fn joined_in_the_middle_of_a_body_it_finds_the_message_inside_the_segment() {
    let middle = [b"rest of a body\r\na=sendrecv\r\n", BYE].concat();
    assert_eq!(read(&[segment(0, &middle)]), "BYE");
    for step in [1, 10] {
        assert_eq!(read(&pieces(&middle, step)), "BYE", "in steps of {step}");
    }
    let after_much = [vec![b'x'; 6_000], b"\r\n".to_vec(), BYE.to_vec()].concat();
    assert_eq!(read(&[segment(0, &after_much[..5_000]), segment(5_000, &after_much[5_000..])]), "BYE");
    // From its first byte on it is something else, whatever it quotes.
    assert_eq!(read(&[syn(ISN), segment(0, &[b"log:\r\n", BYE].concat())]), "");
}

#[test]
fn after_a_gap_the_next_message_is_found() {
    let stream = [INVITE, BYE, BYE].concat();
    let gap =
        |from: usize, to: usize| [syn(ISN), segment(0, &stream[..from]), segment(to, &stream[to..]), segment(stream.len(), BYE).at(3_000)];
    let mut run = Run::default();
    assert_eq!(run.all(&gap(30, INVITE.len() + 30)), "INVITE! BYE BYE");
    assert_eq!(run.half().lost, INVITE.len() as u64);
}

#[test]
fn port_used_again_after_rst_is_another_connection() {
    let reset = Segment { flags: RST, ..segment(40, b"") };
    for other in [ISN.wrapping_add(5_000), ISN.wrapping_add(1 << 31), ISN.wrapping_sub(5_000)] {
        let again = Segment { flags: SYN, isn: other.wrapping_sub(1), ..segment(0, b"") };
        let told = read(&[syn(ISN), segment(0, &INVITE[..40]), reset.clone(), again, segment(0, BYE).tap(0, other)]);
        assert_eq!(told, "BYE");
    }
}

#[test]
fn numbers_far_off_are_believed_when_three_agree() {
    let far = ISN.wrapping_add(1 << 30);
    let stray = |at, bytes: &[u8]| segment(at, bytes).tap(0, far);
    let mut run = Run::default();
    assert_eq!(run.all(&[segment(0, &INVITE[..30]), stray(0, BYE), segment(30, &INVITE[30..])]), "INVITE", "one is let go");
    let n = BYE.len();
    let told = read(&[segment(0, BYE), stray(0, BYE), stray(n, BYE), stray(2 * n, BYE), stray(3 * n, BYE)]);
    assert_eq!(told, "BYE BYE BYE");
}

#[test]
fn taps_whose_numbers_disagree_are_read_apart() {
    let other = ISN.wrapping_add(1 << 30);
    let (first, rest) = INVITE.split_at(30);
    let here = [segment(0, first), segment(30, rest), segment(INVITE.len(), BYE)];
    let there = here.clone().map(|s| s.tap(1, other));
    let both: Vec<Segment> = here.iter().cloned().zip(there).flat_map(|(a, b)| [a, b]).collect();
    assert_eq!(read(&both), "INVITE INVITE BYE BYE");
    // The handshakes tell even numbers that lie close together.
    let near = ISN.wrapping_add(1_000);
    let mut shaken = vec![syn(ISN), Segment { tap: 1, ..syn(near) }];
    shaken.extend(here.iter().cloned().zip(here.clone().map(|s| s.tap(1, near))).flat_map(|(a, b)| [a, b]));
    assert_eq!(read(&shaken), "INVITE INVITE BYE BYE");
    // Taps that agree make one.
    let union: Vec<Segment> = here.iter().cloned().zip(here.clone().map(|s| s.tap(1, ISN))).flat_map(|(a, b)| [a, b]).collect();
    assert_eq!(read(&union), "INVITE BYE");
}

#[test]
fn what_one_tap_lacks_another_has() {
    let (first, rest) = INVITE.split_at(30);
    let told = read(&[segment(0, first), segment(30, rest).tap(1, ISN), segment(INVITE.len(), BYE)]);
    assert_eq!(told, "INVITE BYE");
}

#[test]
fn endless_head_or_body_has_a_cap_and_is_counted() {
    let mut run = Run::default();
    run.give(&segment(0, b"INVITE sip:a SIP/2.0\r\n"));
    let line = b"X: y\r\n".repeat(200);
    (0..600).for_each(|i| {
        run.give(&segment(22 + i * line.len(), &line));
        assert!(run.flow.as_ref().unwrap().size() < 2 << 20);
    });
    assert!(run.ledger.evicted > 0);
    let mut run = Run::default();
    let head = b"INVITE sip:a SIP/2.0\r\nl: 1048576\r\n\r\n";
    run.give(&segment(0, head));
    (0..20_000).for_each(|i| {
        run.give(&segment(head.len() + i, b"x"));
    });
    assert!(run.ledger.evicted > 0 && run.flow.as_ref().unwrap().size() < 2 << 20, "one byte a segment");
}

#[test]
fn both_directions_are_read_apart() {
    let ok = b"SIP/2.0 200 OK\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n";
    let mut run = Run::default();
    assert_eq!(run.all(&[segment(0, INVITE), segment(0, ok).down().tap(0, 77), segment(INVITE.len(), BYE)]), "INVITE 200 BYE");
    assert_eq!(run.read[1].src(), run.read[0].dst());
}

#[test]
fn what_is_left_at_the_end_is_read_as_it_is() {
    let mut run = Run::default();
    run.all(&[segment(0, &INVITE[..40]), segment(300, BYE)]);
    assert_eq!(run.end(), "INVITE! BYE");
}

/// Work of a run: bytes moved, pieces visited.
fn steps(segments: &[Segment]) -> u64 {
    let mut run = Run::default();
    run.all(segments);
    let flow = run.flow.unwrap();
    flow.halves().map(|half| half.ordered.work()).sum()
}

#[test]
fn work_grows_with_the_bytes_whatever_the_order() {
    let stream = |n: usize| [INVITE, BYE].concat().repeat(n);
    type Order = fn(Vec<Segment>) -> Vec<Segment>;
    let orders: [(&str, Order); 5] = [
        ("in order", |all| all),
        ("reversed", |all| all.into_iter().rev().collect()),
        ("every second first", |all| all.iter().skip(1).step_by(2).chain(all.iter().step_by(2)).cloned().collect()),
        ("holes", |all| all.chunks(8).flat_map(|block| block.iter().rev().cloned().collect::<Vec<_>>()).collect()),
        ("twice", |all| all.iter().flat_map(|segment| [segment.clone(), segment.clone()]).collect()),
    ];
    for step in [1, 40] {
        for (name, order) in orders {
            let work = |n: usize| {
                let mut segments = vec![syn(ISN)];
                segments.extend(order(pieces(&stream(n), step)));
                steps(&segments)
            };
            let (one, two, four) = (work(40), work(80), work(160));
            assert!(two * 10 <= one * 22 && four * 10 <= two * 22, "{name} in steps of {step}: {one} {two} {four}");
        }
    }
}

#[test]
fn work_on_overlaps_grows_with_the_bytes() {
    let work = |n: usize| {
        let stream = [INVITE, BYE].concat().repeat(n);
        let mut segments = vec![syn(ISN)];
        segments.extend((1..stream.len() - 100).rev().step_by(3).map(|at| segment(at, &stream[at..at + 100])));
        segments.extend(pieces(&stream, 100));
        steps(&segments)
    };
    let (one, two, four) = (work(20), work(40), work(80));
    assert!(two * 10 <= one * 22 && four * 10 <= two * 22, "{one} {two} {four}");
}
