//! The VN-Tag of Cisco's fabric extenders (the form that IEEE 802.1BR began with): between the addresses and the EtherType.

use super::layers::{Layers, cut_header};
use super::{Step, ether_type};

/// Steps over the tag: it says which virtual port a frame belongs to, and copies of one frame differ in it.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    match layers.rest.take::<6>() {
        Some([_, _, _, _, high, low]) => ether_type(u16::from_be_bytes([high, low])),
        None => Err(cut_header("vntag").into()),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{ethernet, hex, ipv4, read, refusal, transport, udp};
    use crate::record::LinkType;

    #[test]
    fn packet_behind_the_tag_and_a_vlan_is_read() {
        let frame = ethernet(0x8926, &[hex("00010002 8100 0064 0800"), ipv4(17, &udp(b"x"))].concat());
        let (decoded, tap) = read(LinkType::ETHERNET, &frame);
        assert_eq!((transport(decoded).payload, tap.vlan.as_slice()), (&b"x"[..], &[100][..]));
        assert_eq!(refusal(read(LinkType::ETHERNET, &ethernet(0x8926, &[0; 5])).0), "vntag: header is cut");
    }
}
