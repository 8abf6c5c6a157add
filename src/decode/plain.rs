//! Plain RTP: Ethernet with at most one VLAN tag, IPv4 without options and whole, UDP, and a version 2 header with nothing between it
//! and its payload. Nearly all media is that, so it is read at one go, each octet where it must be. Whatever differs in any octet is no
//! plain RTP and is read layer by layer: the two ways never disagree (tests hold it).

use super::flow_key::{self, Words};
use super::{Dir, MacPair, vxlan};

/// Octets of IPv4, UDP and RTP headers and of the payload's first eight.
const LEN: usize = 20 + 8 + 12 + 8;
/// Octets before the IPv4 header, and with a VLAN tag.
const UNTAGGED: usize = 14;
const TAGGED: usize = UNTAGGED + 4;
/// DNS and what looks like it (RFC 6762, RFC 4795): payload at these ports may be no media whatever it begins with.
const NAMES: [u16; 3] = [53, 5353, 5355];

/// A plain RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain {
    /// Transport 5-tuple.
    pub flow: Words,
    /// Which way.
    pub dir: Dir,
    /// Link-layer addresses.
    pub macs: MacPair,
    /// What the VLAN tag says, if there is one.
    pub vlan: Option<u16>,
    /// Time to live.
    pub ttl: u8,
    /// Code point.
    pub dscp: u8,
    /// Length of the UDP payload.
    pub len: u16,
    /// Second octet of the RTP header: marker and payload type.
    pub second: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// The first eight octets of the RTP payload, as in [`crate::proto::rtp::Header::head`].
    pub head: u64,
}

impl Plain {
    /// Its frame has a VLAN tag.
    #[inline(always)]
    pub fn is_tagged(&self) -> bool {
        self.vlan.is_some()
    }

    /// Where the UDP payload begins in a frame with or without a VLAN tag.
    pub const fn offset(tagged: bool) -> usize {
        28 + if tagged { TAGGED } else { UNTAGGED }
    }
}

/// Reads an Ethernet frame, if it is plain RTP.
#[inline(always)]
pub fn plain(frame: &[u8]) -> Option<Plain> {
    let first: &[u8; TAGGED] = frame.first_chunk()?;
    let (vlan, at) = match u32::from_be_bytes(field(first, 12)) {
        0x0800_0000..=0x0800_ffff => (None, UNTAGGED),
        tag @ 0x8100_0000..=0x8100_ffff if field(first, 16) == [0x08, 0x00] => (Some(tag as u16 & 0x0fff), TAGGED),
        _ => return None,
    };
    let rest = frame.get(at..)?;
    let headers: &[u8; LEN] = rest.first_chunk()?;
    let number = |at| u16::from_be_bytes(field(headers, at));
    let [version, tos] = field(headers, 0);
    let [ttl, protocol] = field(headers, 8);
    let [first_octet, second] = field(headers, 28);
    let (total, udp, src, dst) = (usize::from(number(2)), usize::from(number(24)), number(20), number(22));
    let whole = (number(6) & 0x3fff == 0) & (total <= rest.len()) & (total == udp + 20) & (total >= LEN);
    // Payload types 64 to 95 are those that RTCP is told from (RFC 5761 section 4).
    let media = (first_octet == 0x80) & !(64..96).contains(&(second & 0x7f));
    if !(whole & media & (version == 0x45) & (protocol == flow_key::UDP)) || is_named(src) || is_named(dst) || vxlan::PORTS.contains(&dst) {
        return None;
    }
    let (flow, dir) = Words::of(field(headers, 12), src, field(headers, 16), dst, flow_key::UDP);
    Some(Plain {
        flow,
        dir,
        macs: MacPair { src: field(first, 6), dst: field(first, 0) },
        vlan,
        ttl,
        dscp: tos >> 2,
        len: (udp - 8) as u16,
        second,
        sequence: number(30),
        timestamp: u32::from_be_bytes(field(headers, 32)),
        ssrc: u32::from_be_bytes(field(headers, 36)),
        head: u64::from_le_bytes(field(headers, 40)),
    })
}

/// `N` octets of a header; where `at` is a constant, this is one load.
#[inline(always)]
fn field<const N: usize, const L: usize>(header: &[u8; L], at: usize) -> [u8; N] {
    header.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

#[inline(always)]
fn is_named(port: u16) -> bool {
    NAMES.contains(&port)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ethernet, hex, ipv4, random, read, transport, udp_to};
    use super::*;
    use crate::record::LinkType;

    fn rtp() -> Vec<u8> {
        hex("8008 0102 00000003 00000004 0102030405060708 090a")
    }

    fn frames() -> [Vec<u8>; 2] {
        let packet = ipv4(17, &udp_to(40_000, &rtp()));
        [ethernet(0x0800, &packet), ethernet(0x8100, &[hex("a064 0800"), packet].concat())]
    }

    /// Says whether a frame is plain; then the layers say the same of it.
    fn agrees(frame: &[u8]) -> bool {
        let Some(plain) = plain(frame) else { return false };
        let (decoded, tap) = read(LinkType::ETHERNET, frame);
        let layered = transport(decoded);
        let offset = Plain::offset(plain.is_tagged());
        assert_eq!((plain.flow.key(), plain.dir), (layered.flow, layered.dir));
        assert_eq!((plain.macs, plain.ttl, plain.dscp), (layered.link.macs, layered.link.ttl, layered.link.dscp));
        assert_eq!((&frame[offset..offset + usize::from(plain.len)], 0), (layered.payload, layered.cut));
        assert!(layered.tcp.is_none());
        assert_eq!(tap.vlan.as_slice(), plain.vlan.filter(|id| *id != 0).as_slice());
        true
    }

    #[test]
    fn media_is_plain() {
        for frame in frames() {
            assert!(agrees(&frame));
            assert!(agrees(&[frame, vec![0; 9]].concat()), "with padding");
        }
        let found = plain(&frames()[1]).unwrap();
        assert_eq!((found.vlan, found.second, found.sequence, found.timestamp, found.ssrc), (Some(100), 8, 0x0102, 3, 4));
        assert_eq!((found.head, found.len), (0x0807_0605_0403_0201, 22));
    }

    #[test]
    fn what_differs_is_read_layer_by_layer() {
        let [untagged, tagged] = frames();
        for frame in [&untagged, &tagged] {
            assert!((0..frame.len()).all(|len| plain(&frame[..len]).is_none()), "cut");
        }
        // EtherType, IP version, header length, protocol, fragment, RTP version, padding, extension, sources, RTCP types.
        for (at, value) in
            [(13, 6), (14, 0x55), (14, 0x46), (23, 6), (20, 0x20), (21, 1), (42, 0x40), (42, 0xa0), (42, 0x90), (42, 0x81), (43, 200)]
        {
            let mut frame = untagged.clone();
            frame[at] = value;
            assert!(plain(&frame).is_none(), "octet {at} is {value}");
        }
        for port in [53, 5353, 4789] {
            assert!(plain(&ethernet(0x0800, &ipv4(17, &udp_to(port, &rtp())))).is_none());
        }
    }

    #[test]
    fn no_flipped_bits_make_the_two_ways_differ() {
        let mut random = random();
        let mut plain = 0;
        for frame in frames() {
            for _ in 0..50_000 {
                let mut damaged = frame.clone();
                for _ in 0..1 + random() % 3 {
                    let at = random() % damaged.len();
                    damaged[at] ^= 1 << (random() % 8);
                }
                plain += usize::from(agrees(&damaged));
            }
        }
        assert!(plain > 20_000, "{plain}");
    }
}
