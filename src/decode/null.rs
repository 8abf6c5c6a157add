//! BSD loopback: LINKTYPE_NULL, a 4-byte address family in the byte order of the capturing host, and LINKTYPE_LOOP, the same in
//! network order.

use super::layers::{Layers, cut_header};
use super::{Next, Step};
use crate::error::Undecoded;

/// Reads the family in either order: families are small, so the order is where the zeros are.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let Some(bytes) = layers.rest.take::<4>() else {
        return Err(cut_header("null").into());
    };
    let family = u32::from_be_bytes(bytes);
    match if family > 0xffff { family.swap_bytes() } else { family } {
        2 => Ok(Next::Ipv4),
        // AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS.
        10 | 23 | 24 | 28 | 30 => Ok(Next::Ipv6),
        _ => Err(Undecoded::new("null", "address family is not IP").into()),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{hex, ipv4, ipv6, read, refusal, transport, udp};
    use crate::record::LinkType;

    #[test]
    fn both_byte_orders_are_read() {
        for (link, family) in [(LinkType::NULL, "02000000"), (LinkType::NULL, "00000002"), (LinkType::LOOP, "00000002")] {
            let mut frame = hex(family);
            frame.extend(ipv4(17, &udp(b"x")));
            assert_eq!(transport(read(link, &frame).0).payload, b"x");
        }
    }

    #[test]
    fn every_number_of_ipv6_is_known() {
        for family in [10, 23, 24, 28, 30u32] {
            let mut frame = family.to_le_bytes().to_vec();
            frame.extend(ipv6(17, &udp(b"x")));
            assert_eq!(transport(read(LinkType::NULL, &frame).0).payload, b"x");
        }
    }

    #[test]
    fn other_families_are_named() {
        assert_eq!(refusal(read(LinkType::NULL, &hex("07000000 83")).0), "null: address family is not IP");
        assert_eq!(refusal(read(LinkType::LOOP, &hex("000000")).0), "null: header is cut");
    }
}
