//! Decode: one frame's bytes to a packet with its tap facts, to a fragment, or to a reason why not. No state.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use crate::error::Undecoded;
use crate::ledger::Kind;
use crate::record::{LinkType, Record};
use layers::{Cursor, Layers};

mod ah;
mod cooked;
mod erspan;
mod ethernet;
mod exported_pdu;
pub mod flow_key;
mod geneve;
mod gre;
mod gtp;
mod hep;
mod ip_in_ip;
mod ipv4;
mod ipv6;
mod ipv6_extension;
mod ipv6_fragment;
mod l2tp;
mod layers;
mod llc;
mod mpls;
mod null;
mod outer;
mod packet;
mod plain;
mod ppp;
mod pppoe;
mod raw;
mod sctp;
mod tcp;
#[cfg(test)]
mod testing;
mod udp;
mod vlan;
mod vntag;
mod vxlan;

pub use flow_key::{Dir, FlowKey};
pub use hep::{hep_len, inflate};
pub use outer::{Agent, Mirror, MirrorKind, Outer, Pdu, TapKey, Tunnel, TunnelKind, Tunnels};
pub use packet::{Decoded, Fragment, FragmentKey, Home, Link, Mac, MacPair, Packet, TapId, TcpHeader, Transport, TunnelsId};
pub use plain::{Plain, plain};

/// Layers read of one frame at most: a frame that nests deeper was made to.
const MAX_LAYERS: usize = 24;

/// May carry IP, and is named in the ledger as not read.
const LATER: &str = "not decoded yet";

/// What the bytes that are left begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Ethernet,
    Vlan,
    VnTag,
    Llc,
    Mpls,
    Ppp,
    PppHdlc,
    PppWithDir,
    Pppoe,
    Cooked,
    Cooked2,
    Null,
    Raw,
    Ipv4,
    Ipv6,
    Ipv6Extension,
    Ipv6Fragment,
    Ah,
    Ipv4InIp,
    Ipv6InIp,
    Gre,
    Erspan,
    Vxlan,
    VxlanGpe,
    Geneve,
    Gtp,
    L2tp,
    Hep,
    HepOld,
    ExportedPdu,
    Udp,
    Tcp,
    Sctp,
}

/// What a layer says: what follows it, or how the frame ends.
type Step<'a> = Result<Next, Decoded<'a>>;

/// Reads one frame down to its innermost transport header. `outer` is set anew: where the frame was seen, and what it came through;
/// what was read of it stays when the frame is [`Decoded::Undecoded`]. Checksums are not verified: offload leaves them wrong.
pub fn open<'a>(record: &Record<'a>, outer: &mut Outer) -> Decoded<'a> {
    outer.reset(record.interface);
    match link_type(record.link) {
        Some(next) => {
            let captured = u32::try_from(record.bytes.len()).unwrap_or(u32::MAX);
            let rest = Cursor::new(record.bytes, record.wire_len.saturating_sub(captured));
            walk(Layers::new(rest, outer), next)
        }
        None => Undecoded::new("link type", "not supported").into(),
    }
}

/// Reads on in a datagram put together from its fragments, which were seen with `outer` around them; what is read further is added to
/// it. `cut` is how many bytes of it are missing at the end; a lower bound will do. The answer may be a fragment again: one tunnel in
/// another.
pub fn open_datagram<'a>(key: &FragmentKey, link: Link, payload: &'a [u8], cut: u32, outer: &mut Outer) -> Decoded<'a> {
    let mut layers = Layers::new(Cursor::new(payload, cut), outer);
    layers.link = link;
    layers.ends = key.into();
    match protocol(key.protocol, layers.ends.is_v6()) {
        Ok(next) => walk(layers, next),
        Err(end) => end,
    }
}

/// Reads a HEP message that a stream carried whole, as long as [`hep_len`] says. It comes with what its agent says of it.
pub fn open_hep(message: &[u8]) -> (Decoded<'_>, Option<Box<Agent>>) {
    let mut outer = Outer::default();
    let decoded = hep::open(&mut Layers::new(Cursor::new(message, 0), &mut outer));
    (decoded, outer.agent)
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
            Next::VnTag => vntag::open(&mut layers),
            Next::Llc => llc::open(&mut layers),
            Next::Mpls => mpls::open(&mut layers),
            Next::Ppp => ppp::open(&mut layers),
            Next::PppHdlc => ppp::open_hdlc(&mut layers),
            Next::PppWithDir => ppp::open_with_dir(&mut layers),
            Next::Pppoe => pppoe::open(&mut layers),
            Next::Cooked => cooked::open(&mut layers),
            Next::Cooked2 => cooked::open_v2(&mut layers),
            Next::Null => null::open(&mut layers),
            Next::Raw => raw::open(&mut layers),
            Next::Ipv4 => ipv4::open(&mut layers),
            Next::Ipv6 => ipv6::open(&mut layers),
            Next::Ipv6Extension => ipv6_extension::open(&mut layers),
            Next::Ipv6Fragment => ipv6_fragment::open(&mut layers),
            Next::Ah => ah::open(&mut layers),
            Next::Ipv4InIp => ip_in_ip::open_v4(&mut layers),
            Next::Ipv6InIp => ip_in_ip::open_v6(&mut layers),
            Next::Gre => gre::open(&mut layers),
            Next::Erspan => erspan::open(&mut layers),
            Next::Vxlan => vxlan::open(&mut layers),
            Next::VxlanGpe => vxlan::open_gpe(&mut layers),
            Next::Geneve => geneve::open(&mut layers),
            Next::Gtp => gtp::open(&mut layers),
            Next::L2tp => l2tp::open(&mut layers),
            Next::Hep => return hep::open(&mut layers),
            Next::HepOld => return hep::open_old(&mut layers),
            Next::ExportedPdu => return exported_pdu::open(&mut layers),
            Next::Udp => udp::open(&mut layers),
            Next::Tcp => return tcp::open(&layers),
            Next::Sctp => return sctp::open(&layers),
        };
        match step {
            Ok(inner) => next = inner,
            Err(end) => return end,
        }
    }
    Undecoded::new("decode", "more than 24 layers").into()
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
        LinkType::PPP => Some(Next::Ppp),
        LinkType::PPP_HDLC | LinkType::C_HDLC => Some(Next::PppHdlc),
        LinkType::PPP_WITH_DIR => Some(Next::PppWithDir),
        LinkType::PPP_ETHER => Some(Next::Pppoe),
        LinkType::MPLS => Some(Next::Mpls),
        LinkType::WIRESHARK_UPPER_PDU => Some(Next::ExportedPdu),
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
        0x8847 | 0x8848 => Ok(Next::Mpls),
        0x8864 => Ok(Next::Pppoe),
        0x8926 => Ok(Next::VnTag),
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
        flow_key::SCTP => Ok(Next::Sctp),
        51 => Ok(Next::Ah),
        44 if v6 => Ok(Next::Ipv6Fragment),
        // Hop-by-hop, routing, destination options, mobility, HIP, Shim6: all of the form of RFC 6564.
        0 | 43 | 60 | 135 | 139 | 140 if v6 => Ok(Next::Ipv6Extension),
        4 => Ok(Next::Ipv4InIp),
        41 => Ok(Next::Ipv6InIp),
        47 => Ok(Next::Gre),
        137 => Ok(Next::Mpls),
        97 => later("etherip"),
        115 => later("l2tpv3"),
        _ => Err(Decoded::Other(Kind::OtherIp)),
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{ethernet, hex, ipv4, ipv6, random, read, read_cut, refusal, transport, udp, udp_to, way};
    use super::*;

    /// One frame of every supported link type, nested as deep as is usual.
    fn frames() -> Vec<(LinkType, Vec<u8>)> {
        let tcp = hex("13c5 13c4 00000001 00000002 60 18 ffff dead 0000 020405b4 414243");
        let extensions = [hex("3c00 0502 0000 0100 2c00 0104 00000000 1100 0001 00c0ffee"), udp(b"fragment")].concat();
        let ah = [hex("1104 0000 00000001 00000002 aaaaaaaabbbbbbbbcccccccc"), udp(b"signed")].concat();
        let tagged = [hex("0064 8100 0065 0800"), ipv4(6, &tcp)].concat();
        let frame = ethernet(0x0800, &ipv4(17, &udp(b"x")));
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
            (LinkType::RAW, ipv4(132, &hex("13c4 13c6 00000001 deadbeef 0003 0014 00000001 0000 0000 00000000 4f505449"))),
            (LinkType::PPP, [hex("ff03 0021"), ipv4(17, &udp(b"x"))].concat()),
            (LinkType::C_HDLC, [hex("0f00 0800"), ipv4(17, &udp(b"x"))].concat()),
            (LinkType::ETHERNET, ethernet(0x8864, &[hex("1100 0001 001f 0021"), ipv4(17, &udp(b"x"))].concat())),
            (LinkType::ETHERNET, ethernet(0x8847, &[hex("00010 0 40 00011 1 40 00000000"), frame.clone()].concat())),
            (LinkType::RAW, ipv4(47, &[hex("b000 6558 dead0000 00000007 00000001"), frame.clone()].concat())),
            (LinkType::RAW, ipv4(47, &[hex("3081 880b 0026 1234 00000001 00000002 0021"), ipv4(17, &udp(b"x"))].concat())),
            (LinkType::RAW, ipv6(47, &[hex("1000 88be 00000001 1064 0007 00000003"), frame.clone()].concat())),
            (LinkType::RAW, ipv4(47, &[hex("1000 22eb 00000001 2064 0007 00000000 0000 0001 0000000000000000"), frame.clone()].concat())),
            (LinkType::RAW, ipv4(17, &udp_to(4789, &[hex("08000000 000007 00"), frame.clone()].concat()))),
            (LinkType::RAW, ipv4(17, &udp_to(4790, &[hex("0c000003 000007 00"), frame.clone()].concat()))),
            (LinkType::RAW, ipv4(17, &udp_to(6081, &[hex("0200 6558 000007 00 0108010100000000"), frame].concat()))),
            (LinkType::RAW, ipv4(17, &udp_to(2152, &[hex("34ff 0026 000000aa 0000 00 85 01 0009 00"), ipv4(17, &udp(b"x"))].concat()))),
            (LinkType::RAW, ipv4(17, &udp_to(1701, &[hex("4802 0029 0001 0007 0001 0002 0021"), ipv4(17, &udp(b"x"))].concat()))),
            (
                LinkType::WIRESHARK_UPPER_PDU,
                [
                    hex(
                        "000c 0004 73697000 0014 0004 c0000201 0015 0004 c6336402 0018 0004 00000002 0019 0004 000013c4 001a 0004 000013c5",
                    ),
                    hex("001e 0004 00000007 0000 0000"),
                    b"INVITE".to_vec(),
                ]
                .concat(),
            ),
            (
                LinkType::RAW,
                ipv4(
                    17,
                    &udp_to(
                        9060,
                        &[hex("48455033 0023 0000 0001 0007 02 0000 0003 000a 0a000001 0000 000f 000c"), b"INVITE".to_vec()].concat(),
                    ),
                ),
            ),
            (
                LinkType::RAW,
                ipv4(
                    17,
                    &udp_to(
                        9060,
                        &[hex("021c 02 11 13c4 13d8 0a000001 0a000002 00f15365 90d00300 d107 0000"), b"INVITE".to_vec()].concat(),
                    ),
                ),
            ),
        ]
    }

    /// What every answer must hold to, and the same again for what a fragment carried.
    fn check(decoded: &Decoded<'_>, frame_len: usize, cut: u32) {
        match decoded {
            Decoded::Transport(t) | Decoded::Deflated(t) => {
                assert!(t.payload.len() < frame_len && t.link.dscp < 64 && t.cut <= 65_535.max(cut))
            }
            Decoded::Fragment(f) => {
                assert!(f.offset.is_multiple_of(8) && (f.more || f.offset > 0) && f.payload.len() < frame_len);
                check(&open_datagram(&f.key, f.link, f.payload, f.cut, &mut Outer::default()), frame_len, cut);
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
        let mut random = random();
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
        let packet = transport(open_datagram(&key, link, &datagram, 0, &mut Outer::default()));
        assert_eq!((way(&packet).as_str(), packet.payload, packet.link), ("192.0.2.2:5060 > 192.0.2.1:5062", &b"INVITE sip:"[..], link));
        assert_eq!(
            refusal(open_datagram(&FragmentKey { protocol: 97, ..key }, link, &datagram, 0, &mut Outer::default())),
            "etherip: not decoded yet"
        );
        assert!(matches!(
            open_datagram(&FragmentKey { protocol: 1, ..key }, link, &datagram, 0, &mut Outer::default()),
            Decoded::Other(Kind::Icmp)
        ));
    }

    #[test]
    fn answers_stay_small() {
        assert!(size_of::<Decoded<'_>>() <= 112, "{}", size_of::<Decoded<'_>>());
    }
}
