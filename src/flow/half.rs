//! One direction of a TCP connection: what it carries, and the SIP messages read from it (RFC 3261 section 18.3, RFC 7118).

use super::tcp::{self, Ordered, Took};
use super::websocket::{self, Assembly, Read};
use super::{ConnId, Content, Course, Message, Seen, Sighting, Text, Transport, stun_tcp};
use crate::decode::Packet;
use crate::error::Undecoded;
use crate::ledger::{Kind, Ledger};
use crate::proto::{
    sip::{self, Framing, HeaderIndex},
    tls,
    websocket::{MAX_HANDSHAKE, handshake},
};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;

/// Bytes looked at before a direction is taken for something else; each later segment is still probed where it begins, so that a
/// connection joined in the middle is found at its next message.
const MOST_UNKNOWN: usize = 4096;

/// Why a WebSocket message is not read: extensions that SIP does not ask for (RFC 7692).
const COMPRESSED: Undecoded = Undecoded::new("websocket", "compressed");

/// What a direction carries.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
enum Carries {
    /// Nothing known yet.
    #[default]
    Unknown,
    /// None of the others as far as it began.
    Other,
    Sip,
    Tls,
    Stun,
    WebSocket(Box<Assembly>),
}

/// One direction.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Half {
    carries: Carries,
    /// Its bytes in order.
    pub ordered: Ordered,
    /// How far the search for the end of a header section, or for a first start line, got in what is readable.
    scanned: usize,
    /// How its last message came.
    course: Option<Arc<Course>>,
}

/// Who sends to whom, over which connection.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// Sender.
    pub src: SocketAddr,
    /// Receiver.
    pub dst: SocketAddr,
    /// The connection.
    pub id: ConnId,
    /// Clock at its last packet.
    pub clock: Timestamp,
}

impl Half {
    /// What it carries, as far as the call stage asks.
    pub fn content(&self) -> Content {
        match self.carries {
            Carries::Unknown | Carries::Other => Content::Unknown,
            Carries::Sip | Carries::WebSocket(_) => Content::Sip,
            Carries::Tls => Content::Tls,
            Carries::Stun => Content::Stun,
        }
    }

    /// Memory held for bytes that were not read yet.
    pub fn size(&self) -> usize {
        self.ordered.size() + if let Carries::WebSocket(assembly) = &self.carries { assembly.size() } else { 0 }
    }

    /// Takes a segment with payload, and counts it as what it is known to be now. `copy`: a mirror port made it.
    pub fn take(&mut self, packet: &Packet<'_>, sequence: u32, copy: bool, way: Way, ledger: &mut Ledger, out: &mut Vec<Message>) {
        if self.ordered.is_near(sequence) == Some(false) {
            if !self.ordered.strays(sequence, packet.payload.len()) {
                ledger.count(Kind::Tcp, 1);
                return;
            }
            self.read_whole(true, way, ledger, out);
            self.ordered.restart(sequence);
            self.lose();
        }
        let begins = self.begins(packet.payload);
        if begins.is_some() && self.ordered.is_next(sequence) && !sip::may_go_on(self.ordered.readable()) {
            self.ordered.drop_readable();
        }
        let took = self.ordered.push(packet, sequence);
        self.settle(begins, packet.payload);
        ledger.duplicates += u64::from(took == Took::Again && copy);
        ledger.count(self.kind_of(took), 1);
        if took != Took::Again {
            self.read(packet.clock, way, ledger, out);
        }
    }

    /// Reads what is readable at `clock`. In front of bytes that will not come a message ends where it is cut.
    pub fn read(&mut self, clock: Timestamp, way: Way, ledger: &mut Ledger, out: &mut Vec<Message>) {
        self.read_whole(false, way, ledger, out);
        while let Some(gap) = self.ordered.missing(clock) {
            ledger.evicted += u64::from(gap.crowded);
            self.read_whole(true, way, ledger, out);
            self.ordered.skip(gap.bytes);
            self.lose();
            self.settle(None, &[]);
            self.read_whole(false, way, ledger, out);
        }
    }

    /// Reads what is readable; `closed`: nothing will follow it.
    pub fn read_whole(&mut self, closed: bool, way: Way, ledger: &mut Ledger, out: &mut Vec<Message>) {
        match &mut self.carries {
            Carries::Sip => self.read_sip(closed, way, ledger, out),
            Carries::Tls | Carries::Stun | Carries::Other => self.ordered.drop_readable(),
            Carries::WebSocket(assembly) => {
                while let Some(read) = assembly.read(&mut self.ordered, closed) {
                    tell(read, way, &mut self.course, ledger, out);
                }
            }
            Carries::Unknown => {}
        }
    }

    /// Forgets all bytes that wait.
    pub fn clear(&mut self) {
        self.ordered.clear();
        self.lose();
    }

    /// Bytes were lost in front of what is readable.
    fn lose(&mut self) {
        self.scanned = 0;
        if let Carries::WebSocket(assembly) = &mut self.carries {
            assembly.lose();
        }
    }

    /// What a segment begins with, while that is not known of the direction.
    fn begins(&self, payload: &[u8]) -> Option<Carries> {
        match self.carries {
            Carries::Unknown | Carries::Other if sip::probe(payload) => Some(Carries::Sip),
            Carries::Unknown | Carries::Other if tls::probe(payload) => Some(Carries::Tls),
            Carries::Unknown | Carries::Other if stun_tcp::probe(payload) => Some(Carries::Stun),
            Carries::Unknown | Carries::Other if websocket::probe(payload) => Some(Carries::WebSocket(Box::default())),
            _ => None,
        }
    }

    /// Settles what the direction carries, from the bytes it can read or from where this segment begins.
    fn settle(&mut self, begins: Option<Carries>, payload: &[u8]) {
        let readable = self.ordered.readable();
        match (&self.carries, begins) {
            (Carries::Unknown | Carries::Other, Some(carries)) => self.carry(carries, 0),
            (Carries::Unknown, None) if sip::probe(readable) => self.carry(Carries::Sip, 0),
            (Carries::Unknown, None) if tls::probe(readable) => self.carry(Carries::Tls, 0),
            (Carries::Unknown, None) if stun_tcp::probe(readable) => self.carry(Carries::Stun, 0),
            (Carries::Unknown, None) => match handshake(readable) {
                Some(n) => self.carry(Carries::WebSocket(Box::default()), n),
                None => self.wait_for_more(),
            },
            // Where it begins is not known, so a message may begin anywhere in a segment.
            (Carries::Other, None) if !self.ordered.from_start && !payload.is_empty() => {
                self.scanned = 0;
                self.find();
            }
            _ => {}
        }
    }

    fn wait_for_more(&mut self) {
        if !self.ordered.from_start && self.find() {
            return;
        }
        let readable = self.ordered.readable();
        let most = if readable.starts_with(b"GET ") || readable.starts_with(b"HTTP/1.1 101") { MAX_HANDSHAKE } else { MOST_UNKNOWN };
        if readable.len() > most {
            self.carry(Carries::Other, 0);
        }
    }

    /// Looks for the first message in what is readable.
    fn find(&mut self) -> bool {
        let (found, upto) = sip::resume(self.ordered.readable(), self.scanned);
        self.scanned = upto;
        if let Some(at) = found {
            self.carry(Carries::Sip, at);
        }
        found.is_some()
    }

    /// It carries this, behind the first `n` bytes that are readable.
    fn carry(&mut self, carries: Carries, n: usize) {
        (self.carries, self.scanned) = (carries, 0);
        self.ordered.drop_front(n);
    }

    /// What a segment counts as before its message is complete.
    fn kind_of(&self, took: Took) -> Kind {
        match (self.content(), took) {
            (Content::Tls, _) => Kind::Tls,
            (Content::Stun, _) => Kind::Stun,
            (Content::Sip, Took::Again) => Kind::Sip,
            _ => Kind::Tcp,
        }
    }

    fn read_sip(&mut self, closed: bool, way: Way, ledger: &mut Ledger, out: &mut Vec<Message>) {
        loop {
            let readable = self.ordered.readable();
            if readable.is_empty() {
                return;
            }
            match sip::frame(readable, closed, &mut self.scanned) {
                Framing::Keepalive(n) => {
                    let held = self.ordered.consume(n);
                    recount(&held, ledger);
                }
                Framing::NotSip(n) => {
                    ledger.evicted += u64::from(n > sip::MAX_HEAD);
                    self.ordered.drop_front(n.max(1));
                }
                Framing::Message(n) => {
                    let bytes = readable.get(..n).unwrap_or_default();
                    let read = sip::scan(bytes, false).map(|index| (Text::copy(bytes), index));
                    let held = self.ordered.consume(n);
                    if let Some((text, index)) = read {
                        emit((Transport::Tcp, text, index), &held, way, &mut self.course, ledger, out);
                    }
                }
                Framing::More if closed => self.ordered.drop_readable(),
                Framing::More if self.ordered.is_full() => {
                    ledger.evicted += 1;
                    self.ordered.drop_readable();
                }
                Framing::More => return,
            }
            self.scanned = 0;
        }
    }
}

/// What was read of a WebSocket goes where it belongs.
fn tell(read: Read, way: Way, course: &mut Option<Arc<Course>>, ledger: &mut Ledger, out: &mut Vec<Message>) {
    match read {
        Read::Message(text, held) => match sip::scan(&text, false) {
            Some(index) => emit((Transport::Ws, Text::copy(&text), index), &held, way, course, ledger, out),
            // CR LF twice keeps the connection alive (RFC 7118 section 6).
            None if text.iter().all(u8::is_ascii_whitespace) => recount(&held, ledger),
            None => {}
        },
        Read::Compressed(held) => ledger.lose(Kind::Tcp, COMPRESSED, fresh(&held)),
        Read::Control(held) => recount(&held, ledger),
        Read::GaveUp => ledger.evicted += 1,
    }
}

fn emit(
    (transport, text, index): (Transport, Text, HeaderIndex),
    held: &[(Seen, bool)],
    way: Way,
    course: &mut Option<Arc<Course>>,
    ledger: &mut Ledger,
    out: &mut Vec<Message>,
) {
    let Some((seen, _)) = held.last().copied() else { return };
    recount(held, ledger);
    let course = Course::of(&seen, (way.src, way.dst), transport, way.id).shared(course);
    let sighting = Sighting { course, id: seen.id, seq: seen.seq, at: seen.at };
    out.push(Message::new(sighting, way.clock, text, index, false).carried_by(&tcp::ids(held)));
}

/// Moves records that are named for the first time from TCP to SIP.
fn recount(held: &[(Seen, bool)], ledger: &mut Ledger) {
    ledger.recount(Kind::Tcp, Kind::Sip, fresh(held));
}

fn fresh(held: &[(Seen, bool)]) -> u64 {
    held.iter().filter(|(_, first)| *first).count() as u64
}
