//! VLAN tags: 802.1Q (0x8100), 802.1ad (0x88a8) and the older double tags 0x9100 and 0x9200. IEEE 802.1Q clause 9.

use super::layers::{Layers, cut_header};
use super::{Step, ether_type};
use etherparse::SingleVlanHeaderSlice;

const LEN: usize = 4;

/// Adds the VLAN id to the stack of the tap. Id 0 names no VLAN, it only carries a priority (clause 9.6), and is left out: phones
/// tag one direction so.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let Ok(header) = SingleVlanHeaderSlice::from_slice(layers.rest.bytes()) else {
        return Err(cut_header("vlan").into());
    };
    let id = header.vlan_identifier().value();
    if id != 0 {
        layers.outer.tap.vlan.push(id);
    }
    layers.rest.skip(LEN);
    ether_type(header.ether_type().0)
}

#[cfg(test)]
mod tests {
    use crate::decode::Decoded;
    use crate::decode::testing::{ethernet, hex, ipv4, read, refusal, transport, udp};
    use crate::ledger::Kind;
    use crate::record::LinkType;

    #[test]
    fn stack_is_read_from_outer_to_inner() {
        // 802.1ad service tag, id 100; 802.1Q customer tag, priority 5, id 4094.
        let mut tagged = hex("0064 8100 affe 0800");
        tagged.extend(ipv4(17, &udp(b"x")));
        let frame = ethernet(0x88a8, &tagged);
        let (decoded, tap) = read(LinkType::ETHERNET, &frame);
        assert_eq!(transport(decoded).payload, b"x");
        assert_eq!(tap.vlan.as_slice(), [100, 4094]);
    }

    #[test]
    fn priority_tag_names_no_vlan() {
        let mut tagged = hex("a000 0800");
        tagged.extend(ipv4(17, &udp(b"x")));
        let frame = ethernet(0x8100, &tagged);
        let (decoded, tap) = read(LinkType::ETHERNET, &frame);
        assert!(matches!(decoded, Decoded::Transport(_)) && tap.vlan.is_empty());
    }

    #[test]
    fn spanning_tree_in_a_vlan_is_not_ip_and_keeps_its_vlan() {
        // Length 38, then LLC 42 42 03 of a BPDU (IEEE 802.1D clause 9).
        let mut tagged = hex("0007 0026 424203 0000000000");
        tagged.resize(42, 0);
        let frame = ethernet(0x8100, &tagged);
        let (decoded, tap) = read(LinkType::ETHERNET, &frame);
        assert!(matches!(decoded, Decoded::Other(Kind::NonIp)));
        assert_eq!(tap.vlan.as_slice(), [7]);
    }

    #[test]
    fn endless_tags_end() {
        let tags: Vec<u8> = hex("0001 8100").repeat(30);
        let frame = ethernet(0x8100, &tags);
        assert_eq!(refusal(read(LinkType::ETHERNET, &frame).0), "decode: more than 24 layers");
        assert_eq!(refusal(read(LinkType::ETHERNET, &frame[..16]).0), "vlan: header is cut");
    }
}
