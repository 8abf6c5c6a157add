//! IPv6 extension headers that name what follows and their length (RFC 8200 section 4, RFC 6564): hop-by-hop options, routing,
//! destination options, mobility, HIP, Shim6.

use super::layers::{Layers, cut_header};
use super::{Step, protocol};
use etherparse::Ipv6RawExtHeaderSlice;

/// Steps over one header. The destination stays that of the fixed header, whatever a routing header says.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let Ok(header) = Ipv6RawExtHeaderSlice::from_slice(layers.rest.bytes()) else {
        return Err(cut_header("ipv6 extension").into());
    };
    layers.rest.skip(header.slice().len());
    protocol(header.next_header().0, true)
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{hex, ipv6, read, refusal, transport, udp};
    use crate::record::LinkType;

    #[test]
    fn headers_in_a_row_are_stepped_over() {
        // Hop-by-hop (router alert, RFC 2711), destination options of 16 bytes (PadN), routing (type 4, one segment), then UDP.
        let mut payload = hex("3c00 0502 0000 0100 2b01 010c 000000000000000000000000");
        payload.extend(hex("1102 0400 00000000 20010db8000000000000000000000009"));
        payload.extend(udp(b"x"));
        assert_eq!(transport(read(LinkType::IPV6, &ipv6(0, &payload)).0).payload, b"x");
    }

    #[test]
    fn mobility_header_is_stepped_over() {
        // RFC 6275 section 6.1: payload protocol, length 0 (8 bytes), type 0, reserved, checksum.
        let mut payload = hex("1100 0000 0000 0000");
        payload.extend(udp(b"x"));
        assert_eq!(transport(read(LinkType::IPV6, &ipv6(135, &payload)).0).payload, b"x");
    }

    #[test]
    fn short_header_is_cut() {
        assert_eq!(refusal(read(LinkType::IPV6, &ipv6(0, &hex("1100 0502 0000 01"))).0), "ipv6 extension: header is cut");
        assert_eq!(refusal(read(LinkType::IPV6, &ipv6(60, &hex("1101 0502 0000 0100"))).0), "ipv6 extension: header is cut");
    }
}
