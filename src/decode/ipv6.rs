//! IPv6 (RFC 8200): the fixed header. Extension headers are layers of their own.

use super::layers::{Ends, Layers, cut_header};
use super::{Step, protocol};
use crate::error::Undecoded;
use etherparse::Ipv6HeaderSlice;
use etherparse::err::ipv6::HeaderSliceError;

const LEN: usize = 40;
/// Next header number of hop-by-hop options.
const HOP_BY_HOP: u8 = 0;

/// Reads addresses, hop limit and DSCP. A payload length of 0 is a jumbogram (RFC 2675) when hop-by-hop options follow; else the
/// capturing host left segmentation to its network card, and the frame is the length.
#[inline]
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let header = Ipv6HeaderSlice::from_slice(layers.rest.bytes()).map_err(refuse)?;
    let next_header = header.next_header().0;
    layers.rest.skip(LEN);
    match usize::from(header.payload_length()) {
        0 if next_header == HOP_BY_HOP => return Err(Undecoded::new("ipv6", "jumbogram").into()),
        0 => {}
        len => layers.rest.limit(len),
    }
    layers.link.ttl = header.hop_limit();
    layers.link.dscp = header.dscp().value();
    layers.ends = Ends::V6(header.source(), header.destination());
    protocol(next_header, true)
}

fn refuse(error: HeaderSliceError) -> Undecoded {
    match error {
        HeaderSliceError::Len(_) => cut_header("ipv6"),
        HeaderSliceError::Content(_) => Undecoded::new("ipv6", "version is not 6"),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::Decoded;
    use crate::decode::testing::{hex, ipv6, read, read_cut, refusal, transport, udp, way};
    use crate::ledger::Kind;
    use crate::record::LinkType;

    #[test]
    fn hop_limit_and_code_point_are_read_and_padding_dropped() {
        let mut packet = ipv6(17, &udp(b"x"));
        packet.extend([0xee; 9]);
        let packet = transport(read(LinkType::IPV6, &packet).0);
        assert_eq!((packet.link.ttl, packet.link.dscp, packet.payload), (63, 46, &b"x"[..]));
        assert_eq!(way(&packet), "[2001:db8::1]:5060 > [2001:db8::2]:5062");
    }

    #[test]
    fn payload_length_of_zero_is_offload_or_a_jumbogram() {
        let mut packet = ipv6(17, &udp(b"offloaded"));
        packet[4..6].fill(0);
        assert_eq!(transport(read(LinkType::IPV6, &packet).0).payload, b"offloaded");
        // RFC 2675: hop-by-hop options with a jumbo payload option (194) of 70000 bytes.
        let mut jumbo = ipv6(0, &hex("1100 c204 00011170"));
        jumbo[4..6].fill(0);
        assert_eq!(refusal(read(LinkType::IPV6, &jumbo).0), "ipv6: jumbogram");
    }

    #[test]
    fn damaged_headers_say_what_is_wrong() {
        let mut packet = ipv6(17, &udp(b"x"));
        assert_eq!(refusal(read(LinkType::IPV6, &packet[..39]).0), "ipv6: header is cut");
        packet[0] = 0x7b;
        assert_eq!(refusal(read(LinkType::IPV6, &packet).0), "ipv6: version is not 6");
    }

    #[test]
    fn snaplen_takes_from_the_payload() {
        let packet = ipv6(17, &udp(b"0123456789"));
        let cut = transport(read_cut(LinkType::IPV6, &packet[..packet.len() - 4], 4).0);
        assert_eq!((cut.payload, cut.cut), (&b"012345"[..], 4));
    }

    #[test]
    fn no_next_header_and_icmpv6_end_the_frame() {
        assert!(matches!(read(LinkType::IPV6, &ipv6(59, &[])).0, Decoded::Other(Kind::OtherIp)));
        assert!(matches!(read(LinkType::IPV6, &ipv6(58, &[0x87, 0])).0, Decoded::Other(Kind::Icmp)));
    }
}
