//! One direction of a TCP connection: what it carries, and the SIP messages read from it (RFC 3261 section 18.3, RFC 7118).

use super::framing::{Framed, Misframed};
use super::reading::fresh;
pub use super::reading::{Reading, Way};
use super::secured;
use super::tcp::{Ordered, Took};
use super::text::Near;
use super::websocket::{self, Assembly, Read};
use super::{Content, Course, Seen, Text, Transport, hep, stun_tcp};
use crate::decode::Packet;
use crate::error::Undecoded;
use crate::ledger::Kind;
use crate::proto::{
    sip::{self, Framing, HeaderIndex, Sip},
    tls::record,
    websocket::{MAX_HANDSHAKE, handshake},
};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bytes looked at before a direction is taken for something else; each later segment is still probed where it begins, so that a
/// connection joined in the middle is found at its next message.
const MOST_UNKNOWN: usize = 4096;

/// Why a WebSocket message is not read: extensions that SIP does not ask for (RFC 7692).
const COMPRESSED: Undecoded = Undecoded::new("websocket", "compressed");

/// What a direction carries.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) enum Carries {
    /// Nothing known yet.
    #[default]
    Unknown,
    /// None of the others as far as it began.
    Other,
    Sip,
    /// TLS, and what was opened of it.
    Tls(Box<Half>),
    Stun,
    WebSocket(Box<Assembly>),
    Hep(hep::Assembly),
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
    /// How its messages are framed, once there is one.
    framed: Option<Box<Framed>>,
}

impl Half {
    /// What it carries, as far as the call stage asks: SIP within TLS is SIP.
    pub fn content(&self) -> Content {
        match &self.carries {
            Carries::Unknown | Carries::Other | Carries::Hep(_) => Content::Unknown,
            Carries::Sip | Carries::WebSocket(_) => Content::Sip,
            Carries::Tls(inner) if inner.content() == Content::Sip => Content::Sip,
            Carries::Tls(_) => Content::Tls,
            Carries::Stun => Content::Stun,
        }
    }

    /// What is within TLS, if it carries that.
    pub(super) fn inner_mut(&mut self) -> Option<&mut Half> {
        if let Carries::Tls(inner) = &mut self.carries { Some(inner) } else { None }
    }

    /// Messages whose Content-Length does not tell where they end.
    pub fn misframed(&self) -> &[Misframed] {
        match &self.carries {
            Carries::Tls(inner) => inner.misframed(),
            _ => self.framed.as_deref().map_or(&[], |framed| &framed.faults),
        }
    }

    /// Memory held for bytes that were not read yet.
    pub fn size(&self) -> usize {
        let within = match &self.carries {
            Carries::WebSocket(assembly) => assembly.size(),
            Carries::Tls(inner) => inner.size(),
            _ => 0,
        };
        self.ordered.size() + within
    }

    /// Takes a segment with payload, and counts it as what it is known to be now. `copy`: a mirror port made it. The text before it was `near`.
    pub fn take(&mut self, packet: &Packet<'_>, sequence: u32, copy: bool, near: &mut Near, reading: &mut Reading<'_>) {
        if self.take_message(packet, sequence, near, reading) {
            return;
        }
        if self.ordered.is_near(sequence) == Some(false) {
            if !self.ordered.strays(sequence, packet.payload.len()) {
                reading.ledger.count(Kind::Tcp, 1);
                return;
            }
            self.read_whole(true, reading);
            self.ordered.restart(sequence);
            self.lose(u64::from(u32::MAX), reading);
        }
        let begins = self.begins(packet.payload, false);
        if begins.is_some() && self.ordered.is_next(sequence) && !sip::may_go_on(self.ordered.readable()) {
            self.ordered.drop_readable();
        }
        let took = self.ordered.push(packet, sequence);
        self.settle(begins, packet.payload, false);
        reading.ledger.duplicates += u64::from(took == Took::Again && copy);
        reading.ledger.count(self.kind_of(took), 1);
        if took != Took::Again {
            self.read(packet.clock, reading);
        }
    }

    /// Takes a segment that is one message and goes on where the last one ended, as most do: nothing has to be kept of it, and its text may
    /// stay where it is.
    fn take_message(&mut self, packet: &Packet<'_>, sequence: u32, near: &mut Near, reading: &mut Reading<'_>) -> bool {
        let is_next = matches!(self.carries, Carries::Sip) && self.scanned == 0 && packet.cut == 0 && self.ordered.is_at(sequence);
        let bytes = packet.payload;
        let Some(index) = is_next.then(|| sip::whole(bytes)).flatten().filter(|index| index.end() == bytes.len()) else { return false };
        let held = [(self.ordered.pass(packet), true)];
        reading.ledger.count(Kind::Tcp, 1);
        self.emit(Text::of(packet, bytes, near), index, &held, false, reading);
        true
    }

    /// Hands on a message that `held` records held.
    fn emit(&mut self, text: Text, index: HeaderIndex, held: &[(Seen, bool)], closed: bool, reading: &mut Reading<'_>) {
        if let Some((seen, _)) = held.last() {
            let sip = Sip { text: text.bytes(), index: &index };
            self.framed.get_or_insert_default().message(*seen, &sip, closed);
        }
        reading.emit((Transport::Tcp, text, index), held, &mut self.course);
    }

    /// Reads what is readable at `clock`. In front of bytes that will not come a message ends where it is cut.
    pub fn read(&mut self, clock: Timestamp, reading: &mut Reading<'_>) {
        self.read_whole(false, reading);
        while let Some(gap) = self.ordered.missing(clock) {
            reading.ledger.evicted += u64::from(gap.crowded);
            self.read_whole(true, reading);
            self.ordered.skip(gap.bytes);
            self.lose(gap.bytes, reading);
            self.settle(None, &[], false);
            self.read_whole(false, reading);
        }
    }

    /// Reads what is readable; `closed`: nothing will follow it.
    pub fn read_whole(&mut self, closed: bool, reading: &mut Reading<'_>) {
        match &mut self.carries {
            Carries::Sip => self.read_sip(closed, reading),
            Carries::Tls(inner) => {
                secured::read(&mut self.ordered, inner, closed, reading);
                if closed {
                    inner.within(reading, |inner, reading| inner.read_whole(true, reading));
                }
            }
            Carries::Stun | Carries::Other => self.ordered.drop_readable(),
            Carries::WebSocket(assembly) => {
                while let Some(read) = assembly.read(&mut self.ordered, closed) {
                    tell(read, &mut self.course, reading);
                }
            }
            Carries::Hep(assembly) => {
                while let Some((message, held)) = assembly.read(&mut self.ordered, closed) {
                    reading.send_on(&message, &held);
                }
            }
            Carries::Unknown => {}
        }
    }

    /// Forgets all bytes that wait.
    pub fn clear(&mut self, reading: &mut Reading<'_>) {
        self.ordered.clear();
        self.lose(u64::from(u32::MAX), reading);
    }

    /// So many bytes were lost in front of what is readable.
    pub(super) fn lose(&mut self, bytes: u64, reading: &mut Reading<'_>) {
        self.scanned = 0;
        if let Some(framed) = &mut self.framed {
            framed.lose();
        }
        match &mut self.carries {
            Carries::WebSocket(assembly) => assembly.lose(),
            Carries::Hep(assembly) => assembly.lose(),
            Carries::Tls(inner) => {
                if let Some(session) = reading.tls {
                    session.lose(reading.way.dir, bytes);
                }
                inner.miss(reading);
            }
            _ => {}
        }
    }

    /// What a segment begins with, while that is not known of the direction. `secured`: it is within TLS.
    pub(super) fn begins(&self, payload: &[u8], secured: bool) -> Option<Carries> {
        match self.carries {
            Carries::Unknown | Carries::Other if sip::probe(payload) => Some(Carries::Sip),
            Carries::Unknown | Carries::Other if !secured && record::probe(payload) => Some(Carries::Tls(Box::default())),
            Carries::Unknown | Carries::Other if stun_tcp::probe(payload) => Some(Carries::Stun),
            Carries::Unknown | Carries::Other if hep::probe(payload) => Some(Carries::Hep(hep::Assembly::default())),
            Carries::Unknown | Carries::Other if websocket::probe(payload) => Some(Carries::WebSocket(Box::default())),
            _ => None,
        }
    }

    /// Settles what the direction carries, from the bytes it can read or from where this segment begins.
    pub(super) fn settle(&mut self, begins: Option<Carries>, payload: &[u8], secured: bool) {
        let readable = self.ordered.readable();
        match (&self.carries, begins) {
            (Carries::Unknown | Carries::Other, Some(carries)) => self.carry(carries, 0),
            (Carries::Unknown, None) if sip::probe(readable) => self.carry(Carries::Sip, 0),
            (Carries::Unknown, None) if !secured && record::probe(readable) => self.carry(Carries::Tls(Box::default()), 0),
            (Carries::Unknown, None) if stun_tcp::probe(readable) => self.carry(Carries::Stun, 0),
            (Carries::Unknown, None) if hep::probe(readable) => self.carry(Carries::Hep(hep::Assembly::default()), 0),
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
        match (&self.carries, took) {
            (Carries::Tls(_), _) => Kind::Tls,
            (Carries::Stun, _) => Kind::Stun,
            (Carries::Sip | Carries::WebSocket(_), Took::Again) => Kind::Sip,
            _ => Kind::Tcp,
        }
    }

    fn read_sip(&mut self, closed: bool, reading: &mut Reading<'_>) {
        loop {
            let readable = self.ordered.readable();
            if readable.is_empty() {
                return;
            }
            if let Some(index) = Some(readable).filter(|_| self.scanned == 0).and_then(sip::whole) {
                let text = Text::copy(readable.get(..index.end()).unwrap_or_default());
                let held = self.ordered.consume(index.end());
                self.emit(text, index, &held, closed, reading);
                continue;
            }
            match sip::frame(readable, closed, &mut self.scanned) {
                Framing::Keepalive(n) => {
                    self.framed.iter_mut().for_each(|framed| framed.keepalive());
                    let held = self.ordered.consume(n);
                    reading.recount(&held);
                }
                Framing::NotSip(n) => {
                    reading.ledger.evicted += u64::from(n > sip::MAX_HEAD);
                    self.framed.iter_mut().for_each(|framed| framed.stray());
                    self.ordered.drop_front(n.max(1));
                }
                Framing::Message(n) => {
                    let bytes = readable.get(..n).unwrap_or_default();
                    let read = sip::scan(bytes, false).map(|index| (Text::copy(bytes), index));
                    let held = self.ordered.consume(n);
                    if let Some((text, index)) = read {
                        self.emit(text, index, &held, closed, reading);
                    }
                }
                Framing::More if closed => self.ordered.drop_readable(),
                Framing::More if self.ordered.is_full() => {
                    reading.ledger.evicted += 1;
                    self.ordered.drop_readable();
                }
                Framing::More => return,
            }
            self.scanned = 0;
        }
    }
}

/// What was read of a WebSocket goes where it belongs.
fn tell(read: Read, course: &mut Option<Arc<Course>>, reading: &mut Reading<'_>) {
    match read {
        Read::Message(text, held) => match sip::scan(&text, false) {
            Some(index) => reading.emit((Transport::Ws, Text::copy(&text), index), &held, course),
            // CR LF twice keeps the connection alive (RFC 7118 section 6).
            None if text.iter().all(u8::is_ascii_whitespace) => reading.recount(&held),
            None => {}
        },
        Read::Compressed(held) => {
            let kind = reading.kind();
            reading.ledger.lose(kind, COMPRESSED, fresh(&held));
        }
        Read::Control(held) => reading.recount(&held),
        Read::GaveUp => reading.ledger.evicted += 1,
    }
}
