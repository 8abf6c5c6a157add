//! A SIP message as one flow carried it: its text, and every record that held a part of it.

use super::{ConnId, Noted, Seen, Text};
use crate::decode::{MacPair, TapId, TunnelsId};
use crate::proto::sip::{HeaderIndex, Method, Sip, scan};
use crate::record::{RecordId, Seq, SourceId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::SocketAddr;
use std::sync::Arc;

/// What carried a message on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// A UDP datagram.
    Udp,
    /// A TCP connection.
    Tcp,
    /// An SCTP association.
    Sctp,
    /// A WebSocket (RFC 7118).
    Ws,
    /// TLS, opened with keys that were given.
    Tls,
    /// A WebSocket over TLS, opened likewise.
    Wss,
}

/// How its text came to be readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// It was in the clear.
    Clear,
    /// It was encrypted, and keys were given.
    Decrypted,
    /// Who saw it elsewhere handed it on as text: a capture agent (HEP) or an export. Whether it was encrypted on the wire is not known.
    Exported,
}

/// How a message came: what nearly all messages of one direction of a flow share, and so keep once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Sender.
    pub src: SocketAddr,
    /// Receiver.
    pub dst: SocketAddr,
    /// What carried it.
    pub transport: Transport,
    /// How it became readable.
    pub origin: Origin,
    /// The signalling flow it came over.
    pub connection: ConnId,
    /// The tap that saw it.
    pub tap: TapId,
    /// The source of that tap.
    pub source: SourceId,
    /// Tunnels that it came through there.
    pub tunnels: TunnelsId,
    /// Time to live there.
    pub ttl: u8,
    /// Code point there.
    pub dscp: u8,
    /// Link-layer addresses there.
    pub macs: MacPair,
}

impl Course {
    /// The course of a message that was seen as `seen`.
    pub fn of(seen: &Seen, (src, dst): (SocketAddr, SocketAddr), transport: Transport, connection: ConnId) -> Self {
        let Seen { tap, source, tunnels, ttl, dscp, macs, .. } = *seen;
        Self { src, dst, transport, origin: Origin::Clear, connection, tap, source, tunnels, ttl, dscp, macs }
    }

    /// `last` where a message took that course, else a new one.
    pub fn shared(self, last: &mut Option<Arc<Course>>) -> Arc<Course> {
        match last {
            Some(last) if **last == self => Arc::clone(last),
            _ => Arc::clone(last.insert(Arc::new(self))),
        }
    }
}

/// When and in which record a message was seen, and how it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sighting {
    /// How it came.
    pub course: Arc<Course>,
    /// The record that completed it.
    pub id: RecordId,
    /// Position of that in the merged order.
    pub seq: Seq,
    /// Its own capture time.
    pub at: Timestamp,
}

impl Sighting {
    /// As any packet is seen.
    pub fn seen(&self) -> Seen {
        let Course { tap, source, tunnels, ttl, dscp, macs, .. } = *self.course;
        Seen { id: self.id, seq: self.seq, at: self.at, tap, source, tunnels, ttl, dscp, macs }
    }
}

/// One SIP message (RFC 3261 section 7).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// Its sighting. Sightings at other taps join it in the call stage.
    pub sighting: Sighting,
    /// Running maximum of capture time at that record: what timers look at.
    pub clock: Timestamp,
    /// Its text, start line to end of body.
    pub text: Text,
    /// Where its headers lie in `text`: read when it is asked for.
    #[serde(skip)]
    index: OnceCell<Box<HeaderIndex>>,
    /// What was noted of it, until a leg has it.
    #[serde(skip)]
    noted: Option<Box<Noted>>,
    /// What few messages have.
    rare: Option<Box<Rare>>,
    /// Snaplen, a gap or the end of the capture took some of it.
    pub cut: bool,
    /// What the scanner was told of that.
    scanned_cut: bool,
    /// Low bits of the hash of its Call-ID: where its leg is looked for.
    pub call_bits: u16,
}

/// What few messages have.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Rare {
    /// All records that carried a part of it, in order, where they are several.
    records: Vec<RecordId>,
    /// What a capture agent that sent it on says it belongs to.
    correlation: Option<Text>,
}

impl Message {
    /// A message whose text was scanned as `index`. `cut`: the scanner was told that the snap length took bytes of it.
    pub fn new(sighting: Sighting, clock: Timestamp, text: Text, index: HeaderIndex, cut: bool) -> Self {
        let is_cut = cut || index.cut;
        let noted = Noted::of(&Sip { text: text.bytes(), index: &index });
        // Of the others nothing is read again soon, and the index is several times as large as all else.
        let kept = if noted.begins(Method::Invite) { OnceCell::from(Box::new(index)) } else { OnceCell::new() };
        let (call_bits, noted) = (noted.call_hash as u16, Some(Box::new(noted)));
        Self { sighting, clock, text, index: kept, noted, rare: None, cut: is_cut, scanned_cut: cut, call_bits }
    }

    /// What is noted of it.
    pub fn noted(&self) -> Cow<'_, Noted> {
        self.noted.as_deref().map_or_else(|| Cow::Owned(Noted::of(&self.sip())), Cow::Borrowed)
    }

    /// Carried by these records, in order.
    pub fn carried_by(mut self, records: &[RecordId]) -> Self {
        if records.len() > 1 {
            self.rare.get_or_insert_default().records = records.to_vec();
        }
        self
    }

    /// A capture agent says that it belongs to this; empty where it says nothing.
    pub fn belonging_to(mut self, correlation: &[u8]) -> Self {
        if !correlation.is_empty() {
            self.rare.get_or_insert_default().correlation = Some(Text::copy(correlation));
        }
        self
    }

    /// The view that reads headers.
    pub fn sip(&self) -> Sip<'_> {
        let text = self.text.bytes();
        let index = self.index.get_or_init(|| Box::new(scan(text, self.scanned_cut).unwrap_or_default()));
        Sip { text, index }
    }

    /// Lets go of what was read of it; it is read again where it is asked for.
    pub fn forget(&mut self) {
        self.index.take();
        self.noted = None;
    }

    /// How it came.
    pub fn course(&self) -> &Course {
        &self.sighting.course
    }
    /// Sender.
    pub fn src(&self) -> SocketAddr {
        self.sighting.course.src
    }
    /// Receiver.
    pub fn dst(&self) -> SocketAddr {
        self.sighting.course.dst
    }
    /// Its sighting as that of a packet.
    pub fn seen(&self) -> Seen {
        self.sighting.seen()
    }
    /// Its own capture time.
    pub fn at(&self) -> Timestamp {
        self.sighting.at
    }
    /// Position in the merged order: of the record that completed it.
    pub fn seq(&self) -> Seq {
        self.sighting.seq
    }

    /// All records that carried a part of it, in order.
    pub fn records(&self) -> &[RecordId] {
        let several = self.rare.as_ref().map_or(&[][..], |rare| &rare.records);
        if several.is_empty() { std::slice::from_ref(&self.sighting.id) } else { several }
    }

    /// What a capture agent that sent it on says it belongs to.
    pub fn correlation(&self) -> Option<&Text> {
        self.rare.as_ref()?.correlation.as_ref()
    }
}
