//! LLC behind an 802.3 length (IEEE 802.2), and SNAP in it (RFC 1042): spanning tree, CDP, IS-IS, seldom IP.

use super::layers::{Layers, cut_header};
use super::{Decoded, LATER, Next, Step, ether_type};
use crate::error::Undecoded;
use crate::ledger::Kind;

/// Service access point of IP (RFC 1042 gives it, hardly anybody used it).
const SAP_IP: u8 = 0x06;
/// Service access point that announces SNAP.
const SAP_SNAP: u8 = 0xaa;

/// Tells whether anything of IP can be inside; never reads on.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let not_ip = Err(Decoded::Other(Kind::NonIp));
    let later = Err(Undecoded::new("llc/snap", LATER).into());
    match layers.rest.take::<2>() {
        None => Err(cut_header("llc").into()),
        Some([SAP_IP, SAP_IP]) => later,
        Some([SAP_SNAP, SAP_SNAP]) => match layers.rest.take::<6>() {
            None => Err(cut_header("llc/snap").into()),
            // RFC 1042 and 802.1H: the EtherType of Ethernet II follows. Other organisations number on their own: CDP, PVST+ …
            Some([_control, 0, 0, 0 | 0xf8, high, low]) => match ether_type(u16::from_be_bytes([high, low])) {
                Ok(Next::Llc) | Err(Decoded::Other(_)) => not_ip,
                _ => later,
            },
            Some(_) => not_ip,
        },
        Some(_) => not_ip,
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::Decoded;
    use crate::decode::testing::{ethernet, hex, read, refusal};
    use crate::ledger::Kind;
    use crate::record::LinkType;

    #[test]
    fn spanning_tree_and_cdp_are_not_ip() {
        // A BPDU (IEEE 802.1D) and a Cisco Discovery Protocol header (SNAP, OUI 00000c, 0x2000).
        for llc in ["424203 0000 0000", "aaaa03 00000c 2000 02b4"] {
            let frame = ethernet(38, &hex(llc));
            assert!(matches!(read(LinkType::ETHERNET, &frame).0, Decoded::Other(Kind::NonIp)), "{llc}");
        }
    }

    #[test]
    fn ip_in_snap_is_named() {
        // RFC 1042: K1 = 170, control 3, OUI 0, EtherType of IP.
        let frame = ethernet(48, &hex("aaaa03 000000 0800 45000028"));
        assert_eq!(refusal(read(LinkType::ETHERNET, &frame).0), "llc/snap: not decoded yet");
        let arp = ethernet(36, &hex("aaaa03 000000 0806 0001"));
        assert!(matches!(read(LinkType::ETHERNET, &arp).0, Decoded::Other(Kind::NonIp)));
    }

    #[test]
    fn short_header_is_cut() {
        assert_eq!(refusal(read(LinkType::ETHERNET, &ethernet(38, &hex("42"))).0), "llc: header is cut");
        assert_eq!(refusal(read(LinkType::ETHERNET, &ethernet(38, &hex("aaaa03 00"))).0), "llc/snap: header is cut");
    }
}
