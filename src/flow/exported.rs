//! SIP among exported PDUs (`LINKTYPE_WIRESHARK_UPPER_PDU`). Each PDU is all that a dissector was given, not one message: several messages
//! of a segment come together, once for each of them, and behind TLS once more; a message that is not whole comes again with its rest.

use super::tcp::{MOST_BUFFERED, MOST_SEGMENTS};
use super::{Connection, Course, Message, Origin, Seen, Sighting, Text, Transport};
use crate::decode::{Dir, Packet, Pdu, flow_key};
use crate::hash;
use crate::proto::sip::{self, Framing};
use crate::record::RecordId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};
use std::borrow::Cow;
use std::ops::Range;

/// Messages of one frame that are remembered.
const MOST_TOLD: usize = 64;

/// The PDUs of a flow.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Exported {
    up: Half,
    down: Half,
    /// Messages that were given up, for there was no room.
    pub evicted: u64,
}

/// The PDUs of one direction.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Half {
    /// The frame that the last PDU is of, and hash of its payload.
    last: Option<(u32, u64)>,
    /// Hashes of the messages read of that frame.
    told: SmallVec<[u64; 2]>,
    /// The front of a message whose rest did not come yet, how far it was searched, and the records that hold it.
    front: Vec<u8>,
    scanned: usize,
    held: SmallVec<[Seen; 1]>,
}

/// What a PDU is.
#[derive(Debug, PartialEq)]
pub enum Took<'p> {
    /// Read of the same frame before.
    Again,
    /// The messages that it completes; none where it holds but a part of one or keeps a connection alive.
    Read(Vec<Whole<'p>>),
    /// No SIP.
    Other,
}

/// A message.
#[derive(Debug, PartialEq)]
pub struct Whole<'p> {
    /// Its text; borrowed where the PDU holds all of it.
    pub text: Cow<'p, [u8]>,
    /// Records that carried it, in order.
    pub records: SmallVec<[RecordId; 1]>,
    /// Its rest did not come.
    pub cut: bool,
}

/// What carried a PDU.
pub fn transport(packet: &Packet<'_>) -> Transport {
    match packet.flow.protocol() {
        flow_key::TCP => Transport::Tcp,
        flow_key::SCTP => Transport::Sctp,
        _ => Transport::Udp,
    }
}

impl Exported {
    /// Takes a PDU.
    pub fn take<'p>(&mut self, packet: &Packet<'p>, pdu: Pdu) -> Took<'p> {
        let half = match packet.dir {
            Dir::Up => &mut self.up,
            Dir::Down => &mut self.down,
        };
        let print = (pdu.frame.unwrap_or_default(), hash::quick(&[packet.payload]));
        let same = pdu.inner && pdu.frame.is_some() && half.last.is_some_and(|(frame, _)| frame == print.0);
        if same && half.last == Some(print) {
            return Took::Again;
        }
        let split = Split::of(packet);
        let hashes: SmallVec<[u64; 2]> = split.messages.iter().map(|range| hash::quick(&[of(packet.payload, range)])).collect();
        if same && !hashes.is_empty() && split.rest.is_empty() && hashes.iter().all(|hash| half.told.contains(hash)) {
            return Took::Again;
        }
        if half.last.is_none_or(|(frame, _)| frame != print.0) {
            half.told.clear();
        }
        half.last = Some(print);
        half.told.extend(hashes);
        half.told.truncate(MOST_TOLD);
        if split.is_other && half.front.is_empty() { Took::Other } else { Took::Read(half.read(packet, split, &mut self.evicted)) }
    }

    /// The messages whose rest never came, for which nothing is left to wait.
    pub fn end(self, connection: &Connection, clock: Timestamp) -> impl Iterator<Item = Message> {
        let flow = connection.id.flow;
        [(Dir::Up, self.up), (Dir::Down, self.down)].into_iter().filter_map(move |(dir, half)| {
            let seen = half.held.last()?;
            let index = sip::scan(&half.front, false)?;
            let transport = if flow.protocol() == flow_key::SCTP { Transport::Sctp } else { Transport::Tcp };
            let course = Course { origin: Origin::Exported, ..Course::of(seen, flow.from_to(dir), transport, connection.id) };
            let sighting = Sighting { course: course.into(), id: seen.id, seq: seen.seq, at: seen.at };
            let records: Vec<RecordId> = half.held.iter().map(|seen| seen.id).collect();
            Some(Message::new(sighting, clock, Text::copy(&half.front), index, false).carried_by(&records))
        })
    }
}

impl Half {
    /// Reads the messages of a PDU, and the one under way with it.
    fn read<'p>(&mut self, packet: &Packet<'p>, split: Split, evicted: &mut u64) -> Vec<Whole<'p>> {
        let payload = packet.payload;
        let mut records: SmallVec<[RecordId; 1]> = self.held.iter().map(|seen| seen.id).collect();
        let mut whole = Vec::new();
        if !self.front.is_empty() && !payload.starts_with(&self.front) {
            if !sip::probe(payload) {
                return self.go_on(packet, evicted);
            }
            whole.push(Whole { text: Cow::Owned(std::mem::take(&mut self.front)), records: std::mem::take(&mut records), cut: true });
        }
        records.push(packet.id);
        for range in split.messages {
            whole.push(Whole { text: Cow::Borrowed(of(payload, &range)), records: std::mem::take(&mut records), cut: packet.cut > 0 });
            records.push(packet.id);
        }
        // A message that came again and still is not whole is held by the PDUs before as well.
        if whole.is_empty() && !self.front.is_empty() {
            self.held.push(Seen::of(packet));
        } else {
            self.held = smallvec![Seen::of(packet)];
        }
        self.keep(of(payload, &split.rest).to_vec(), split.scanned, evicted);
        whole
    }

    /// The PDU goes on where the one before ended: what TLS carried was not put together.
    fn go_on<'p>(&mut self, packet: &Packet<'p>, evicted: &mut u64) -> Vec<Whole<'p>> {
        self.front.extend_from_slice(packet.payload);
        self.held.push(Seen::of(packet));
        let split = Split::from(&self.front, self.scanned, packet.cut > 0);
        let mut whole = Vec::new();
        for range in &split.messages {
            let records = self.held.iter().map(|seen| seen.id).collect();
            whole.push(Whole { text: Cow::Owned(of(&self.front, range).to_vec()), records, cut: packet.cut > 0 });
            self.held = smallvec![Seen::of(packet)];
        }
        self.front.drain(..split.rest.start);
        let front = std::mem::take(&mut self.front);
        self.keep(front, split.scanned, evicted);
        whole
    }

    /// Keeps the front of a message, unless it is longer than a message may be.
    fn keep(&mut self, front: Vec<u8>, scanned: usize, evicted: &mut u64) {
        let fits = front.len() <= MOST_BUFFERED && self.held.len() <= MOST_SEGMENTS;
        *evicted += u64::from(!fits);
        (self.front, self.scanned) = if fits { (front, scanned) } else { (Vec::new(), 0) };
        if self.front.is_empty() {
            self.held.clear();
        }
    }
}

/// Where the messages of a PDU lie.
struct Split {
    messages: SmallVec<[Range<usize>; 2]>,
    /// What follows them: the front of another.
    rest: Range<usize>,
    /// How far that was searched.
    scanned: usize,
    /// There is no SIP in it.
    is_other: bool,
}

impl Split {
    /// A stream is cut by Content-Length; a datagram is one message.
    fn of(packet: &Packet<'_>) -> Self {
        let payload = packet.payload;
        if packet.flow.protocol() == flow_key::TCP {
            return Self::from(payload, 0, packet.cut > 0);
        }
        let is_sip = sip::probe(payload);
        let (messages, end) = (if is_sip { smallvec![0..payload.len()] } else { SmallVec::new() }, payload.len());
        Self { messages, rest: end..end, scanned: 0, is_other: !is_sip && !payload.iter().all(u8::is_ascii_whitespace) }
    }

    /// `closed`: the snap length took what follows.
    fn from(bytes: &[u8], scanned: usize, closed: bool) -> Self {
        let mut split = Self { messages: SmallVec::new(), rest: 0..bytes.len(), scanned, is_other: false };
        while let Some(rest) = bytes.get(split.rest.start..).filter(|rest| !rest.is_empty()) {
            match sip::frame(rest, closed, &mut split.scanned) {
                Framing::Keepalive(n) => split.rest.start += n,
                Framing::NotSip(n) => {
                    split.rest.start += n.clamp(1, rest.len());
                    split.is_other = true;
                }
                Framing::Message(n) => {
                    let end = split.rest.start + n.min(rest.len());
                    split.messages.push(split.rest.start..end);
                    split.rest.start = end;
                }
                Framing::More if closed => split.rest.start = bytes.len(),
                Framing::More => break,
            }
        }
        split.is_other &= split.messages.is_empty() && split.rest.is_empty();
        split
    }
}

fn of<'b>(bytes: &'b [u8], range: &Range<usize>) -> &'b [u8] {
    bytes.get(range.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::packet;
    use std::net::SocketAddr;

    const OPTIONS: &str = "OPTIONS sip:b SIP/2.0\r\nCall-ID: c\r\nContent-Length: 0\r\n\r\n";
    const TRYING: &str = "SIP/2.0 100 Trying\r\nCall-ID: c\r\nContent-Length: 0\r\n\r\n";
    const RINGING: &str = "SIP/2.0 180 Ringing\r\nCall-ID: c\r\nContent-Length: 4\r\n\r\nbody";

    /// PDUs of one direction; what came of each: `=` for a copy, `?` for no SIP, else the messages as first word or status, records, and
    /// `!` where cut.
    fn run(pdus: &[(Option<u32>, bool, &str)]) -> (Vec<String>, Exported) {
        let mut exported = Exported::default();
        let told = pdus.iter().zip(1u16..).map(|((frame, inner, text), n)| {
            packet(n).give(|packet, _| {
                let flow = crate::decode::FlowKey::v4([192, 0, 2, 1], 5060, [192, 0, 2, 2], 5060, flow_key::TCP).0;
                let packet = Packet { payload: text.as_bytes(), flow, ..*packet };
                match exported.take(&packet, Pdu { frame: *frame, inner: *inner }) {
                    Took::Again => "=".to_owned(),
                    Took::Other => "?".to_owned(),
                    Took::Read(whole) => whole.iter().map(shown).collect::<Vec<_>>().join(", "),
                }
            })
        });
        (told.collect(), exported)
    }

    fn shown(whole: &Whole<'_>) -> String {
        let text = String::from_utf8_lossy(&whole.text);
        let name = text.trim_start_matches("SIP/2.0 ").split(' ').next().unwrap_or_default();
        let records: Vec<String> = whole.records.iter().map(|id| (id.number - 1).to_string()).collect();
        format!("{name} {}{}", records.join("+"), if whole.cut { "!" } else { "" })
    }

    #[test]
    fn what_tls_carried_and_the_messages_in_it_are_one() {
        let both = format!("{TRYING}{RINGING}");
        let told = run(&[(Some(9), false, &both), (Some(9), true, &both), (Some(9), true, &both), (Some(10), true, TRYING)]).0;
        assert_eq!(told, ["100 1, 180 1", "=", "=", "100 4"]);
        // Where each message is exported by itself.
        let told = run(&[(Some(9), false, &both), (Some(9), true, TRYING), (Some(9), true, RINGING), (Some(9), true, OPTIONS)]).0;
        assert_eq!(told, ["100 1, 180 1", "=", "=", "OPTIONS 4"]);
    }

    #[test]
    fn a_retransmission_is_no_copy() {
        let told = run(&[(Some(1), true, OPTIONS), (Some(2), true, OPTIONS), (None, true, OPTIONS), (None, true, OPTIONS)]).0;
        assert_eq!(told, ["OPTIONS 1", "OPTIONS 2", "OPTIONS 3", "OPTIONS 4"]);
        let told = run(&[(Some(1), false, OPTIONS), (Some(1), true, OPTIONS), (Some(1), false, OPTIONS), (Some(1), true, OPTIONS)]).0;
        assert_eq!(told, ["OPTIONS 1", "=", "OPTIONS 3", "="]);
    }

    #[test]
    fn message_that_comes_again_with_its_rest_is_read_once() {
        let (front, all) = (format!("{TRYING}{}", &RINGING[..30]), RINGING);
        let told = run(&[(Some(1), false, &front), (Some(1), true, &front), (Some(2), false, all), (Some(2), true, all)]).0;
        assert_eq!(told, ["100 1", "=", "180 1+3", "="]);
        let told = run(&[(Some(1), false, &all[..9]), (Some(2), false, &all[..20]), (Some(3), false, all)]).0;
        assert_eq!(told, ["", "", "180 1+2+3"]);
    }

    #[test]
    fn rest_that_comes_alone_is_put_behind() {
        let told = run(&[(Some(1), false, &RINGING[..30]), (Some(2), false, &RINGING[30..50]), (Some(3), false, &RINGING[50..])]).0;
        assert_eq!(told, ["", "", "180 1+2+3"]);
        let more = format!("{}{TRYING}{}", &RINGING[30..], &OPTIONS[..12]);
        let told = run(&[(Some(1), false, &RINGING[..30]), (Some(2), false, &more), (Some(3), false, &OPTIONS[12..])]).0;
        assert_eq!(told, ["", "180 1+2, 100 2", "OPTIONS 2+3"]);
    }

    #[test]
    fn message_whose_rest_never_comes_is_read_as_it_is() {
        let told = run(&[(Some(1), false, &RINGING[..50]), (Some(2), false, OPTIONS)]).0;
        assert_eq!(told, ["", "180 1!, OPTIONS 2"]);
        let (told, exported) = run(&[(Some(1), false, OPTIONS), (Some(2), false, &RINGING[..55])]);
        assert_eq!(told, ["OPTIONS 1", ""]);
        let connection = packet(1).give(|packet, _| Connection::open(packet));
        let left: Vec<Message> = exported.end(&connection, Timestamp(0)).collect();
        let [left] = left.as_slice() else { panic!("{left:?}") };
        assert_eq!((left.sip().status(), left.cut, left.course().origin), (Some(180), true, Origin::Exported));
        assert_eq!(left.src(), SocketAddr::from(([192, 0, 2, 1], 4000)));
    }

    #[test]
    fn keep_alives_are_sip_and_other_bytes_are_not() {
        let told = run(&[
            (Some(1), false, "\r\n\r\n"),
            (Some(2), true, "GET / HTTP/1.1\r\n\r\n"),
            (Some(3), true, "\0\u{1}"),
            (Some(4), true, ""),
        ])
        .0;
        assert_eq!(told, ["", "?", "?", ""]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let front = format!("MESSAGE sip:b SIP/2.0\r\nCall-ID: c\r\nContent-Length: 1000000\r\n\r\n{}", "x".repeat(600_000));
        let more = "x".repeat(600_000);
        let (told, exported) =
            run(&[(Some(1), false, &front), (Some(2), false, OPTIONS), (Some(3), false, &front), (Some(4), false, &more)]);
        assert_eq!(told, ["", "MESSAGE 1!, OPTIONS 2", "", "MESSAGE 3+4"]);
        // The 200 000 bytes behind it begin no message.
        assert_eq!((exported.evicted, exported.up.front.len()), (0, 0));
        let same: Vec<_> = (0..20_000).map(|_| (Some(7), false, "x")).collect();
        let (_, exported) = run(&[&[(Some(7), false, &RINGING[..30])][..], &same].concat());
        assert!(exported.up.held.len() <= MOST_SEGMENTS && exported.up.told.len() <= MOST_TOLD);
        assert_eq!(exported.evicted, 1);
    }
}
