//! Ethernet II and 802.3 frames (IEEE 802.3 clause 3): two addresses and an EtherType or a length.

use super::layers::{Layers, cut_header};
use super::{MacPair, Step, ether_type};
use etherparse::Ethernet2HeaderSlice;

const LEN: usize = 14;

/// Reads the addresses of the frame. A preamble or frame check sequence is not expected: IP's own length decides.
#[inline]
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let Ok(header) = Ethernet2HeaderSlice::from_slice(layers.rest.bytes()) else {
        return Err(cut_header("ethernet").into());
    };
    layers.link.macs = MacPair { src: header.source(), dst: header.destination() };
    layers.rest.skip(LEN);
    ether_type(header.ether_type().0)
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{ethernet, hex, ipv4, read, refusal, transport, udp, way};
    use crate::decode::{Decoded, MacPair};
    use crate::ledger::Kind;
    use crate::record::LinkType;

    #[test]
    fn addresses_of_the_frame_travel_with_the_packet() {
        let frame = ethernet(0x0800, &ipv4(17, &udp(b"hello")));
        let (decoded, tap) = read(LinkType::ETHERNET, &frame);
        let packet = transport(decoded);
        assert_eq!(packet.link.macs, MacPair { src: [2, 0, 0, 0, 0, 1], dst: [2, 0, 0, 0, 0, 2] });
        assert_eq!((way(&packet).as_str(), packet.payload), ("192.0.2.1:5060 > 192.0.2.2:5062", &b"hello"[..]));
        assert_eq!((tap.ifindex, tap.vlan.len()), (None, 0));
    }

    #[test]
    fn trailing_padding_is_not_payload() {
        let mut frame = ethernet(0x0800, &ipv4(17, &udp(b"hi")));
        frame.resize(60, 0xee);
        let packet = transport(read(LinkType::ETHERNET, &frame).0);
        assert_eq!((packet.payload, packet.cut), (&b"hi"[..], 0));
    }

    #[test]
    fn what_cannot_carry_ip_is_not_ip() {
        // ARP (RFC 826), LLDP, EAPOL, PTP, HomePlug, PPPoE discovery.
        for value in [0x0806, 0x88cc, 0x888e, 0x88f7, 0x887b, 0x88e1, 0x8863] {
            let frame = ethernet(value, &[0; 46]);
            assert!(matches!(read(LinkType::ETHERNET, &frame).0, Decoded::Other(Kind::NonIp)), "{value:#06x}");
        }
    }

    #[test]
    fn what_may_carry_ip_is_named() {
        for (value, layer) in [(0x22f3, "trill"), (0x8903, "fabricpath"), (0x88e5, "macsec"), (0x894f, "nsh")] {
            let frame = ethernet(value, &[0; 46]);
            assert_eq!(refusal(read(LinkType::ETHERNET, &frame).0), format!("{layer}: not decoded yet"));
        }
    }

    #[test]
    fn short_frame_is_cut() {
        let frame = hex("020000000002 020000000001 08");
        assert_eq!(refusal(read(LinkType::ETHERNET, &frame).0), "ethernet: header is cut");
        assert_eq!(refusal(read(LinkType::ETHERNET, &[]).0), "ethernet: header is cut");
    }
}
