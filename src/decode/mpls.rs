//! MPLS (RFC 3032): a stack of labels, and what lies under it – IP, or Ethernet as a pseudowire (RFC 4448).

use super::layers::{Layers, cut_header};
use super::outer::TunnelKind;
use super::{Decoded, Next, Step};
use crate::ledger::Kind;

/// Bytes of the control word of a pseudowire (RFC 4385).
const CONTROL_WORD: usize = 4;

/// Reads one label; under the last, its first nibble tells IP from a pseudowire (RFC 4928): no MAC address is given out that looks like
/// an IP header which fits.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let Some([a, b, c, _ttl]) = layers.rest.take::<4>() else {
        return Err(cut_header("mpls").into());
    };
    layers.tunnel(TunnelKind::Mpls, Some(u32::from_be_bytes([0, a, b, c]) >> 4));
    if c & 1 == 0 {
        return Ok(Next::Mpls);
    }
    match layers.rest.bytes() {
        [] => Err(cut_header("mpls").into()),
        [first, _, l0, l1, ..] if first >> 4 == 4 && is_ipv4(*first, u16::from_be_bytes([*l0, *l1]), layers.rest.wire_len()) => {
            Ok(Next::Ipv4)
        }
        [first, _, _, _, l0, l1, ..] if first >> 4 == 6 && usize::from(u16::from_be_bytes([*l0, *l1])) + 40 <= layers.rest.wire_len() => {
            Ok(Next::Ipv6)
        }
        // The associated channel (RFC 4385 section 5): what watches over the label-switched path.
        [first, ..] if first >> 4 == 1 => Err(Decoded::Other(Kind::NonIp)),
        [first, ..] => {
            if first >> 4 == 0 && !is_ethernet(layers.rest.bytes()) {
                layers.rest.skip(CONTROL_WORD);
            }
            Ok(Next::Ethernet)
        }
    }
}

/// A usual EtherType stands where it would without a control word, whose first nibble is that of most addresses too.
fn is_ethernet(bytes: &[u8]) -> bool {
    let ether_type = bytes.get(12..).and_then(<[u8]>::first_chunk::<2>).map(|bytes| u16::from_be_bytes(*bytes));
    matches!(ether_type, Some(0x0800 | 0x0806 | 0x8100 | 0x86dd | 0x8847 | 0x88a8))
}

fn is_ipv4(first: u8, total: u16, wire_len: usize) -> bool {
    let header = usize::from(first & 0x0f) * 4;
    // A total length of 0 is left to the network card.
    header >= 20 && (total == 0 || (header..=wire_len).contains(&usize::from(total)))
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{ethernet, hex, ipv4, ipv6, read, read_all, refusal, transport, udp, way};
    use crate::decode::{Decoded, TunnelKind};
    use crate::ledger::Kind;
    use crate::record::LinkType;

    fn labelled(labels: &str, payload: &[u8]) -> Vec<u8> {
        ethernet(0x8847, &[hex(labels), payload.to_vec()].concat())
    }

    #[test]
    fn ip_under_labels_is_read() {
        // Labels 16 and 1048575 (the largest).
        let packet = labelled("00010 0 40 fffff 1 40", &ipv4(17, &udp(b"x")));
        let (decoded, outer) = read_all(LinkType::ETHERNET, &packet, 0);
        assert_eq!(way(&transport(decoded)), "192.0.2.1:5060 > 192.0.2.2:5062");
        let labels: Vec<_> = outer.tunnels.iter().map(|t| (t.kind, t.id, t.ends)).collect();
        assert_eq!(labels, [(TunnelKind::Mpls, Some(16), None), (TunnelKind::Mpls, Some(1_048_575), None)]);
        let packet = labelled("00010 1 40", &ipv6(17, &udp(b"x")));
        assert_eq!(way(&transport(read(LinkType::ETHERNET, &packet).0)), "[2001:db8::1]:5060 > [2001:db8::2]:5062");
    }

    #[test]
    fn pseudowire_is_read_with_and_without_control_word() {
        let inner = ethernet(0x0800, &ipv4(17, &udp(b"x")));
        for word in ["", "00000000", "00000001"] {
            let packet = labelled("00010 1 40", &[hex(word), inner.clone()].concat());
            let decoded = transport(read(LinkType::ETHERNET, &packet).0);
            assert_eq!((decoded.payload, decoded.link.macs.src), (&b"x"[..], [2, 0, 0, 0, 0, 1]));
        }
        // A MAC that begins with 4 is no IP header.
        let mut inner = ethernet(0x0800, &ipv4(17, &udp(b"x")));
        inner[..6].copy_from_slice(&hex("4001 0203 0405"));
        assert_eq!(transport(read(LinkType::ETHERNET, &labelled("00010 1 40", &inner)).0).payload, b"x");
    }

    #[test]
    fn channel_and_endless_stacks_end() {
        assert!(matches!(read(LinkType::ETHERNET, &labelled("0000d 1 01", &hex("1000 0007 20c0"))).0, Decoded::Other(Kind::NonIp)));
        assert_eq!(refusal(read(LinkType::ETHERNET, &labelled("00010 1 40", &[])).0), "mpls: header is cut");
        assert_eq!(refusal(read(LinkType::ETHERNET, &labelled("00010 0 40 0001", &[])).0), "mpls: header is cut");
        assert_eq!(refusal(read(LinkType::ETHERNET, &labelled(&"00010040".repeat(99), &[])).0), "decode: more than 24 layers");
    }
}
