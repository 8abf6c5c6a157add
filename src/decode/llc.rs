//! LLC behind an 802.3 length (IEEE 802.2), and SNAP in it (RFC 1042): spanning tree, CDP, IS-IS, sometimes IP.

use super::layers::{Layers, cut_header};
use super::{Decoded, Next, Step, ether_type};
use crate::ledger::Kind;

/// Service access point of IP (RFC 1042 gives it, hardly anybody used it).
const SAP_IP: u8 = 0x06;
/// Service access point that announces SNAP.
const SAP_SNAP: u8 = 0xaa;
/// Unnumbered information, the control field of all that carries IP.
const UNNUMBERED: u8 = 0x03;

/// Reads on behind SNAP of RFC 1042 and 802.1H, where the EtherType of Ethernet II follows. Other organisations number on their own:
/// CDP, PVST+ …
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let not_ip = Err(Decoded::Other(Kind::NonIp));
    match layers.rest.bytes() {
        [SAP_IP, SAP_IP, UNNUMBERED, ..] => {
            layers.rest.skip(3);
            Ok(Next::Raw)
        }
        [SAP_SNAP, SAP_SNAP, _control, 0, 0, 0 | 0xf8, high, low, ..] => match ether_type(u16::from_be_bytes([*high, *low])) {
            Ok(Next::Llc) => not_ip,
            step => {
                layers.rest.skip(8);
                step
            }
        },
        [SAP_SNAP, SAP_SNAP, rest @ ..] if rest.len() < 6 => Err(cut_header("llc/snap").into()),
        [_, _, ..] => not_ip,
        _ => Err(cut_header("llc").into()),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::Decoded;
    use crate::decode::testing::{ethernet, hex, ipv4, read, refusal, transport, udp, way};
    use crate::ledger::Kind;
    use crate::record::LinkType;

    fn frame(llc: &str, payload: &[u8]) -> Vec<u8> {
        let llc = [hex(llc), payload.to_vec()].concat();
        ethernet(llc.len() as u16, &llc)
    }

    #[test]
    fn ip_behind_snap_is_read() {
        let packet = ipv4(17, &udp(b"x"));
        for llc in ["aaaa03 000000 0800", "aaaa03 0000f8 0800", "060603"] {
            assert_eq!(way(&transport(read(LinkType::ETHERNET, &frame(llc, &packet)).0)), "192.0.2.1:5060 > 192.0.2.2:5062");
        }
        let tagged = [hex("0064 0800"), packet].concat();
        let tagged = frame("aaaa03 000000 8100", &tagged);
        let (decoded, tap) = read(LinkType::ETHERNET, &tagged);
        assert_eq!((transport(decoded).payload, tap.vlan.as_slice()), (&b"x"[..], &[100][..]));
    }

    #[test]
    fn spanning_tree_and_cdp_are_no_ip() {
        for llc in ["424203 0000", "aaaa03 00000c 2000", "aaaa03 000000 0026"] {
            assert!(matches!(read(LinkType::ETHERNET, &frame(llc, &[0; 40])).0, Decoded::Other(Kind::NonIp)), "{llc}");
        }
    }

    #[test]
    fn headers_that_are_cut_say_so() {
        assert_eq!(refusal(read(LinkType::ETHERNET, &frame("aa", &[])).0), "llc: header is cut");
        assert_eq!(refusal(read(LinkType::ETHERNET, &frame("aaaa03 0000", &[])).0), "llc/snap: header is cut");
    }
}
