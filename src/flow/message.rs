//! A SIP message as one flow carried it: owned text, its header index, and every record that held a part of it.

use super::{ConnId, Seen};
use crate::proto::sip::{HeaderIndex, Sip};
use crate::record::{RecordId, Seq};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
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
}

/// How its text came to be readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// It was in the clear.
    Clear,
}

/// Text of a message: owned, shared, never a reference into an input.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Text(Arc<[u8]>);

impl Text {
    /// A copy of `bytes`.
    pub fn copy(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
    /// The bytes as captured; not always UTF-8.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// One SIP message (RFC 3261 section 7).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// Its sighting. Sightings at other taps join it in the call stage.
    pub seen: Seen,
    /// Running maximum of capture time at that record: what timers look at.
    pub clock: Timestamp,
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
    /// Its text, start line to end of body.
    pub text: Text,
    /// Where its headers lie in `text`.
    pub index: HeaderIndex,
    /// All records that carried a part of it, in order.
    pub records: SmallVec<[RecordId; 2]>,
    /// What a capture agent that sent it on says it belongs to.
    pub correlation: Option<Text>,
    /// Snaplen, a gap or the end of the capture took some of it.
    pub cut: bool,
}

impl Message {
    /// The view that reads headers.
    pub fn sip(&self) -> Sip<'_> {
        Sip { text: self.text.bytes(), index: &self.index }
    }
    /// Position in the merged order: of the record that completed it.
    pub fn seq(&self) -> Seq {
        self.seen.seq
    }
}
