//! What decode makes of a frame: a packet with the facts of the frame around it, a fragment, or a reason why not.

use super::{Agent, Dir, FlowKey};
use crate::error::Undecoded;
use crate::ledger::Kind;
use crate::record::{RecordId, Seq, SourceId, Window};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A link-layer address; all zero where the link has none.
pub type Mac = [u8; 6];

/// The two link-layer addresses of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct MacPair {
    /// Who sent the frame on this link.
    pub src: Mac,
    /// Who it was sent to on this link.
    pub dst: Mac,
}

/// Facts of one direction that never identify a packet: they differ between copies of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Link {
    /// Link-layer addresses of the innermost Ethernet header.
    pub macs: MacPair,
    /// IPv4 time to live or IPv6 hop limit.
    pub ttl: u8,
    /// Differentiated services code point, 0 to 63 (RFC 2474).
    pub dscp: u8,
}

/// Number of a tap in the run's table, in order of first sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct TapId(pub u32);

/// Number of a stack of tunnels in the run's table; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct TunnelsId(pub u32);

/// The fields of a TCP header that reassembly needs (RFC 9293 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpHeader {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number; meaningful with ACK.
    pub ack: u32,
    /// The flag octet: FIN 1, SYN 2, RST 4, PSH 8, ACK 16.
    pub flags: u8,
}

impl TcpHeader {
    /// FIN is set.
    pub fn fin(&self) -> bool {
        self.flags & 1 != 0
    }
    /// SYN is set.
    pub fn syn(&self) -> bool {
        self.flags & 2 != 0
    }
    /// RST is set.
    pub fn rst(&self) -> bool {
        self.flags & 4 != 0
    }
    /// ACK is set.
    pub fn ack_set(&self) -> bool {
        self.flags & 16 != 0
    }
}

/// A UDP or TCP packet whose headers were read; what a shard is given.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Position in the merged order.
    pub seq: Seq,
    /// The record that carried it, or completed it.
    pub id: RecordId,
    /// Own capture time.
    pub at: Timestamp,
    /// Running maximum of capture time.
    pub clock: Timestamp,
    /// The tap it was seen at.
    pub tap: TapId,
    /// The source of that tap.
    pub source: SourceId,
    /// The tunnels that it came through.
    pub tunnels: TunnelsId,
    /// Facts of this direction.
    pub link: Link,
    /// Transport 5-tuple, lower endpoint first.
    pub flow: FlowKey,
    /// Which way through the flow.
    pub dir: Dir,
    /// Set for TCP.
    pub tcp: Option<TcpHeader>,
    /// Transport payload as captured; link-layer padding is not part of it.
    pub payload: &'a [u8],
    /// Bytes of the payload that snaplen took.
    pub cut: u32,
    /// All records of a datagram that came in fragments; empty for most.
    pub fragments: &'a [RecordId],
    /// How many of them were counted before, as what fragments are counted as until then.
    pub held: u64,
    /// What is said of the packet by who saw it elsewhere; `None` for most.
    pub agent: Option<&'a Agent>,
    /// The window of its record, where text that is kept may be found again.
    pub home: Home<'a>,
}

/// A window, if any: a packet that nobody keeps text of has none.
#[derive(Clone, Copy, Default)]
pub struct Home<'a>(pub Option<&'a Window>);

impl std::fmt::Debug for Home<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Home")
    }
}

/// What `open` made of one frame, before taps are numbered.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// A UDP or TCP packet.
    Transport(Transport<'a>),
    /// A piece of an IP datagram.
    Fragment(Fragment<'a>),
    /// A UDP or TCP packet whose payload [`inflate`] unpacks.
    Deflated(Transport<'a>),
    /// Read as far as callpath goes; nothing inside can be a call.
    Other(Kind),
    /// Could not be read further.
    Undecoded(Undecoded),
}

impl From<Undecoded> for Decoded<'_> {
    fn from(why: Undecoded) -> Self {
        Self::Undecoded(why)
    }
}

/// A transport header and its payload, with the facts of the frame around it.
#[derive(Debug, Clone, Copy)]
pub struct Transport<'a> {
    /// Facts of this direction.
    pub link: Link,
    /// Transport 5-tuple, lower endpoint first.
    pub flow: FlowKey,
    /// Which way.
    pub dir: Dir,
    /// Set for TCP.
    pub tcp: Option<TcpHeader>,
    /// Payload as captured.
    pub payload: &'a [u8],
    /// Bytes of it that snaplen took.
    pub cut: u32,
}

/// A fragment of an IP datagram (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Debug, Clone, Copy)]
pub struct Fragment<'a> {
    /// What its datagram is known by.
    pub key: FragmentKey,
    /// Facts of this direction, as of this fragment.
    pub link: Link,
    /// Byte offset of `payload` in the datagram's payload; a multiple of 8.
    pub offset: u32,
    /// More fragments follow.
    pub more: bool,
    /// The bytes as captured.
    pub payload: &'a [u8],
    /// Bytes of this fragment that snaplen took.
    pub cut: u32,
}

/// Identity of a fragmented datagram: addresses (as of its IP version), identification and protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FragmentKey {
    /// Source address.
    pub src: std::net::IpAddr,
    /// Destination address.
    pub dst: std::net::IpAddr,
    /// Identification field.
    pub id: u32,
    /// Protocol of the payload: the IPv4 protocol, or the first header after the IPv6 fragment header.
    pub protocol: u8,
}
