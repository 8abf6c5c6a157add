//! Decode: one frame's bytes to a packet with its tap facts, to a fragment, or to a reason why not. No state.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use crate::error::Undecoded;
use crate::ledger::Kind;
use crate::record::{InterfaceId, LinkType, Record, RecordId, Seq, SourceId};
use crate::time::Timestamp;
use layers::{Cursor, Layers};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

mod ah;
mod cooked;
mod ethernet;
pub mod flow_key;
mod ipv4;
mod ipv6;
mod ipv6_extension;
mod ipv6_fragment;
mod layers;
mod llc;
mod null;
mod raw;
mod tcp;
#[cfg(test)]
mod testing;
mod udp;
mod vlan;

pub use flow_key::{Dir, FlowKey};

/// Layers read of one frame at most: a frame that nests deeper was made to.
const MAX_LAYERS: usize = 16;

/// Named in the ledger, read by a later version.
const LATER: &str = "not decoded yet";

/// What the bytes that are left begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Ethernet,
    Vlan,
    Llc,
    Cooked,
    Cooked2,
    Null,
    Raw,
    Ipv4,
    Ipv6,
    Ipv6Extension,
    Ipv6Fragment,
    Ah,
    Udp,
    Tcp,
}

/// What a layer says: what follows it, or how the frame ends.
type Step<'a> = Result<Next, Decoded<'a>>;

/// Reads one frame down to its transport header. `tap` is set anew: interface, SLL2 interface index and VLAN stack; what was
/// read of it stays when the frame is [`Decoded::Undecoded`]. Checksums are not verified: offload leaves them wrong.
pub fn open<'a>(record: &Record<'a>, tap: &mut TapKey) -> Decoded<'a> {
    tap.interface = record.interface;
    tap.ifindex = None;
    tap.vlan.clear();
    match link_type(record.link) {
        Some(next) => {
            let captured = u32::try_from(record.bytes.len()).unwrap_or(u32::MAX);
            let rest = Cursor::new(record.bytes, record.wire_len.saturating_sub(captured));
            walk(Layers::new(rest, tap), next)
        }
        None => Undecoded::new("link type", "not supported").into(),
    }
}

/// Reads on in a datagram put together from its fragments. `cut` is how many bytes of it are missing at the end; a lower bound
/// will do. The answer may be a fragment again: one tunnel in another.
pub fn open_datagram<'a>(key: &FragmentKey, link: Link, payload: &'a [u8], cut: u32) -> Decoded<'a> {
    let mut tap = TapKey::default();
    let mut layers = Layers::new(Cursor::new(payload, cut), &mut tap);
    layers.link = link;
    layers.ends = key.into();
    match protocol(key.protocol, layers.ends.is_v6()) {
        Ok(next) => walk(layers, next),
        Err(end) => end,
    }
}

/// Whether frames of this link type can be read.
pub fn supported(link: LinkType) -> bool {
    link_type(link).is_some()
}

fn walk<'a>(mut layers: Layers<'a, '_>, mut next: Next) -> Decoded<'a> {
    for _ in 0..MAX_LAYERS {
        let step = match next {
            Next::Ethernet => ethernet::open(&mut layers),
            Next::Vlan => vlan::open(&mut layers),
            Next::Llc => llc::open(&mut layers),
            Next::Cooked => cooked::open(&mut layers),
            Next::Cooked2 => cooked::open_v2(&mut layers),
            Next::Null => null::open(&mut layers),
            Next::Raw => raw::open(&mut layers),
            Next::Ipv4 => ipv4::open(&mut layers),
            Next::Ipv6 => ipv6::open(&mut layers),
            Next::Ipv6Extension => ipv6_extension::open(&mut layers),
            Next::Ipv6Fragment => ipv6_fragment::open(&mut layers),
            Next::Ah => ah::open(&mut layers),
            Next::Udp => return udp::open(&layers),
            Next::Tcp => return tcp::open(&layers),
        };
        match step {
            Ok(inner) => next = inner,
            Err(end) => return end,
        }
    }
    Undecoded::new("decode", "more than 16 layers").into()
}

/// The first layer by link type (tcpdump.org registry). 12 and 14 are the BSD numbers of raw IP that some writers leave in files.
fn link_type(link: LinkType) -> Option<Next> {
    match link {
        LinkType::ETHERNET => Some(Next::Ethernet),
        LinkType::LINUX_SLL => Some(Next::Cooked),
        LinkType::LINUX_SLL2 => Some(Next::Cooked2),
        LinkType::NULL | LinkType::LOOP => Some(Next::Null),
        LinkType::RAW | LinkType(12 | 14) => Some(Next::Raw),
        LinkType::IPV4 => Some(Next::Ipv4),
        LinkType::IPV6 => Some(Next::Ipv6),
        _ => None,
    }
}

/// What follows an EtherType (IEEE 802 numbers). Values below 0x0600 are the length of an LLC frame. A protocol that may carry IP
/// is named as not read; the others cannot hold a call.
#[inline]
fn ether_type<'a>(value: u16) -> Step<'a> {
    let later = |layer| Err(Undecoded::new(layer, LATER).into());
    match value {
        0x0800 => Ok(Next::Ipv4),
        0x86dd => Ok(Next::Ipv6),
        0x8100 | 0x88a8 | 0x9100 | 0x9200 => Ok(Next::Vlan),
        ..0x0600 => Ok(Next::Llc),
        0x8847 | 0x8848 => later("mpls"),
        0x8864 => later("pppoe"),
        0x8926 => later("vntag"),
        0x22f3 => later("trill"),
        0x8903 => later("fabricpath"),
        0x88e7 => later("802.1ah"),
        0x88e5 => later("macsec"),
        0x894f => later("nsh"),
        0x8909 => later("cisco metadata"),
        _ => Err(Decoded::Other(Kind::NonIp)),
    }
}

/// What follows an IP protocol number (IANA). Extension headers exist in IPv6 only.
#[inline]
fn protocol<'a>(number: u8, v6: bool) -> Step<'a> {
    let later = |layer| Err(Undecoded::new(layer, LATER).into());
    match number {
        flow_key::UDP => Ok(Next::Udp),
        flow_key::TCP => Ok(Next::Tcp),
        1 | 58 => Err(Decoded::Other(Kind::Icmp)),
        132 => Err(Decoded::Other(Kind::Sctp)),
        51 => Ok(Next::Ah),
        44 if v6 => Ok(Next::Ipv6Fragment),
        // Hop-by-hop, routing, destination options, mobility, HIP, Shim6: all of the form of RFC 6564.
        0 | 43 | 60 | 135 | 139 | 140 if v6 => Ok(Next::Ipv6Extension),
        4 => later("ip-in-ip"),
        41 => later("6in4"),
        47 => later("gre"),
        97 => later("etherip"),
        115 => later("l2tp"),
        137 => later("mpls"),
        _ => Err(Decoded::Other(Kind::OtherIp)),
    }
}

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

/// What a tap is known by before it has a number: interface, VLAN stack (outer to inner, 12-bit ids) and, with tunnels, the
/// mirror encapsulation. The SLL2 interface index stands for an interface of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct TapKey {
    /// The capturing interface, and through it the source.
    pub interface: InterfaceId,
    /// Interface index of a Linux cooked v2 header, where there is one.
    pub ifindex: Option<u32>,
    /// VLAN ids, outer to inner.
    pub vlan: SmallVec<[u16; 2]>,
}

/// Number of a tap in the run's table, in order of first sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct TapId(pub u32);

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
}

/// What `open` made of one frame, before taps are numbered.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// A UDP or TCP packet.
    Transport(Transport<'a>),
    /// A piece of an IP datagram.
    Fragment(Fragment<'a>),
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

#[cfg(test)]
mod tests {
    use super::testing::{ethernet, hex, ipv4, ipv6, read, read_cut, refusal, transport, udp, way};
    use super::*;

    /// One frame of every supported link type, nested as deep as is usual.
    fn frames() -> Vec<(LinkType, Vec<u8>)> {
        let tcp = hex("13c5 13c4 00000001 00000002 60 18 ffff dead 0000 020405b4 414243");
        let extensions = [hex("3c00 0502 0000 0100 2c00 0104 00000000 1100 0001 00c0ffee"), udp(b"fragment")].concat();
        let ah = [hex("1104 0000 00000001 00000002 aaaaaaaabbbbbbbbcccccccc"), udp(b"signed")].concat();
        let tagged = [hex("0064 8100 0065 0800"), ipv4(6, &tcp)].concat();
        vec![
            (LinkType::ETHERNET, ethernet(0x0800, &ipv4(17, &udp(b"INVITE")))),
            (LinkType::ETHERNET, ethernet(0x88a8, &tagged)),
            (LinkType::ETHERNET, ethernet(0x86dd, &ipv6(0, &extensions))),
            (LinkType::ETHERNET, ethernet(38, &hex("aaaa03 000000 0800 4500"))),
            (LinkType::LINUX_SLL, [hex("0004 0001 0006 020000000001 0000 0800"), ipv4(51, &ah)].concat()),
            (LinkType::LINUX_SLL2, [hex("86dd 0000 00000007 0001 00 06 020000000001 0000"), ipv6(6, &tcp)].concat()),
            (LinkType::NULL, [hex("02000000"), ipv4(17, &udp(b"x"))].concat()),
            (LinkType::LOOP, [hex("0000001e"), ipv6(17, &udp(b"x"))].concat()),
            (LinkType::RAW, ipv4(6, &tcp)),
            (LinkType::IPV4, ipv4(17, &udp(b"x"))),
            (LinkType::IPV6, ipv6(17, &udp(b"x"))),
        ]
    }

    /// What every answer must hold to, and the same again for what a fragment carried.
    fn check(decoded: &Decoded<'_>, frame_len: usize, cut: u32) {
        match decoded {
            Decoded::Transport(t) => assert!(t.payload.len() < frame_len && t.link.dscp < 64 && t.cut <= 65_535.max(cut)),
            Decoded::Fragment(f) => {
                assert!(f.offset.is_multiple_of(8) && (f.more || f.offset > 0) && f.payload.len() < frame_len);
                check(&open_datagram(&f.key, f.link, f.payload, f.cut), frame_len, cut);
            }
            Decoded::Other(_) => {}
            Decoded::Undecoded(why) => assert!(!why.layer.is_empty() && !why.reason.is_empty()),
        }
    }

    #[test]
    fn no_truncation_panics() {
        for (link, frame) in frames() {
            assert!(supported(link));
            for len in 0..=frame.len() {
                let cut = (frame.len() - len) as u32;
                check(&read_cut(link, &frame[..len], cut).0, frame.len(), cut);
                check(&read(link, &frame[..len]).0, frame.len(), 0);
            }
        }
    }

    #[test]
    fn no_flipped_bits_panic() {
        let mut state = 0x2545_f491_4f6c_dd1du64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize
        };
        for (link, frame) in frames() {
            for _ in 0..20_000 {
                let mut damaged = frame.clone();
                for _ in 0..1 + random() % 8 {
                    let at = random() % damaged.len();
                    damaged[at] ^= 1 << (random() % 8);
                }
                damaged.truncate(damaged.len() - random() % 3);
                check(&read_cut(link, &damaged, 5).0, frame.len(), 5);
            }
        }
    }

    #[test]
    fn unsupported_link_type_is_named() {
        // IEEE 802.11 with radiotap.
        assert!(!supported(LinkType(127)));
        assert_eq!(refusal(read(LinkType(127), &[0; 60]).0), "link type: not supported");
    }

    #[test]
    fn datagram_of_fragments_is_read_with_the_facts_of_its_fragments() {
        let key = FragmentKey { src: "192.0.2.2".parse().unwrap(), dst: "192.0.2.1".parse().unwrap(), id: 7, protocol: 17 };
        let link = Link { ttl: 61, dscp: 24, ..Link::default() };
        let datagram = udp(b"INVITE sip:");
        let packet = transport(open_datagram(&key, link, &datagram, 0));
        assert_eq!((way(&packet).as_str(), packet.payload, packet.link), ("192.0.2.2:5060 > 192.0.2.1:5062", &b"INVITE sip:"[..], link));
        assert_eq!(refusal(open_datagram(&FragmentKey { protocol: 47, ..key }, link, &datagram, 0)), "gre: not decoded yet");
        assert!(matches!(open_datagram(&FragmentKey { protocol: 1, ..key }, link, &datagram, 0), Decoded::Other(Kind::Icmp)));
    }

    #[test]
    fn answers_stay_small() {
        assert!(size_of::<Decoded<'_>>() <= 112, "{}", size_of::<Decoded<'_>>());
    }
}
