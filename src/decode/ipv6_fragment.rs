//! The IPv6 fragment header (RFC 8200 section 4.5).

use super::layers::{Layers, cut_header};
use super::{Decoded, Fragment, Step, protocol};
use etherparse::Ipv6FragmentHeaderSlice;

const LEN: usize = 8;

/// Ends the frame with a fragment; an atomic fragment (RFC 6946: first and last in one) is read on as if it were none.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let Ok(header) = Ipv6FragmentHeaderSlice::from_slice(layers.rest.bytes()) else {
        return Err(cut_header("ipv6 fragment").into());
    };
    layers.rest.skip(LEN);
    if !header.is_fragmenting_payload() {
        return protocol(header.next_header().0, true);
    }
    Err(Decoded::Fragment(Fragment {
        key: layers.ends.fragment_key(header.identification(), header.next_header().0),
        link: layers.link,
        offset: u32::from(header.fragment_offset().value()) * 8,
        more: header.more_fragments(),
        payload: layers.rest.bytes(),
        cut: layers.rest.cut(),
    }))
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{hex, ipv6, read, refusal, transport, udp};
    use crate::decode::{Decoded, Outer, open_datagram};
    use crate::record::LinkType;

    #[test]
    fn fragment_keeps_identity_and_offset() {
        // UDP, reserved, offset 1448 without the M flag, identification.
        let packet = ipv6(44, &hex("1100 05a8 00c0ffee 0102030405"));
        let Decoded::Fragment(fragment) = read(LinkType::IPV6, &packet).0 else { panic!("not a fragment") };
        assert_eq!((fragment.key.id, fragment.key.protocol, fragment.key.src.is_ipv6()), (0x00c0_ffee, 17, true));
        assert_eq!((fragment.offset, fragment.more, fragment.payload.len(), fragment.cut), (1448, false, 5, 0));
    }

    #[test]
    fn atomic_fragment_is_read_on() {
        let mut payload = hex("1100 0000 00000001");
        payload.extend(udp(b"x"));
        assert_eq!(transport(read(LinkType::IPV6, &ipv6(44, &payload)).0).payload, b"x");
        assert_eq!(refusal(read(LinkType::IPV6, &ipv6(44, &payload[..7])).0), "ipv6 fragment: header is cut");
    }

    #[test]
    fn datagram_begins_with_the_header_that_its_fragments_named() {
        // The fragment header says destination options (60) come first; they name UDP.
        let packet = ipv6(44, &hex("3c00 0001 00000007 0000000000000000"));
        let Decoded::Fragment(fragment) = read(LinkType::IPV6, &packet).0 else { panic!("not a fragment") };
        let mut datagram = hex("1100 010400000000");
        datagram.extend(udp(b"whole"));
        let packet = transport(open_datagram(&fragment.key, fragment.link, &datagram, 0, &mut Outer::default()));
        assert_eq!((packet.payload, packet.link), (&b"whole"[..], fragment.link));
    }
}
