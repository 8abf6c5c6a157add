//! Linux cooked captures, v1 (LINKTYPE_LINUX_SLL) and v2 (LINKTYPE_LINUX_SLL2): what `-i any` writes instead of a link layer.
//!
//! Read by hand: etherparse refuses headers whose ARPHRD type it does not know (PPP, tunnels, `tun`), and has no v2.

use super::layers::{Layers, cut_header};
use super::{Decoded, Mac, Next, Step, ether_type};
use crate::error::Undecoded;
use crate::ledger::Kind;

/// ARPHRD types of `linux/if_arp.h`.
const ARPHRD_FRAD: u16 = 770;
const ARPHRD_IPGRE: u16 = 778;
const ARPHRD_IEEE80211: u16 = 801;
const ARPHRD_IEEE80211_RADIOTAP: u16 = 803;
const ARPHRD_NETLINK: u16 = 824;

/// v1: packet type, ARPHRD type, address length, address, protocol; 16 bytes. The address is the sender's.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let Some([_, _, h0, h1, _, len, a0, a1, a2, a3, a4, a5, _, _, p0, p1]) = layers.rest.take::<16>() else {
        return Err(cut_header("sll").into());
    };
    layers.link.macs.src = sender(len, [a0, a1, a2, a3, a4, a5]);
    inside(u16::from_be_bytes([h0, h1]), u16::from_be_bytes([p0, p1]))
}

/// v2: protocol, reserved, interface index, ARPHRD type, packet type, address length, address; 20 bytes.
pub fn open_v2<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let Some([p0, p1, _, _, i0, i1, i2, i3, h0, h1, _, len, a0, a1, a2, a3, a4, a5, _, _]) = layers.rest.take::<20>() else {
        return Err(cut_header("sll2").into());
    };
    layers.outer.tap.ifindex = Some(u32::from_be_bytes([i0, i1, i2, i3]));
    layers.link.macs.src = sender(len, [a0, a1, a2, a3, a4, a5]);
    inside(u16::from_be_bytes([h0, h1]), u16::from_be_bytes([p0, p1]))
}

fn sender(len: u8, address: Mac) -> Mac {
    if len == 6 { address } else { Mac::default() }
}

fn inside<'a>(arphrd: u16, protocol: u16) -> Step<'a> {
    match (arphrd, protocol) {
        (ARPHRD_NETLINK | ARPHRD_FRAD, _) => Err(Decoded::Other(Kind::NonIp)),
        (ARPHRD_IEEE80211..=ARPHRD_IEEE80211_RADIOTAP, _) => Err(Undecoded::new("802.11", "not supported").into()),
        // The kernel's name for frames that keep their 802.2 header.
        (_, 0x0004) => Ok(Next::Llc),
        // The kernel's other numbers below 0x0600: raw 802.3, "all", CAN …
        (_, ..0x0600) => Err(Decoded::Other(Kind::NonIp)),
        // The payload of a GRE device is what GRE's protocol field says: an EtherType, or Ethernet.
        (ARPHRD_IPGRE, 0x6558) => Ok(Next::Ethernet),
        (_, protocol) => ether_type(protocol),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{hex, ipv4, ipv6, read, refusal, transport, udp, way};
    use crate::decode::{Decoded, Mac};
    use crate::ledger::Kind;
    use crate::record::LinkType;

    #[test]
    fn v1_gives_the_sender() {
        // Outgoing (4), ARPHRD_ETHER (1), 6 bytes of address, two of padding, IPv4.
        let mut frame = hex("0004 0001 0006 020000000001 0000 0800");
        frame.extend(ipv4(17, &udp(b"x")));
        let packet = transport(read(LinkType::LINUX_SLL, &frame).0);
        assert_eq!((packet.link.macs.src, packet.link.macs.dst), ([2, 0, 0, 0, 0, 1], Mac::default()));
        assert_eq!(way(&packet), "192.0.2.1:5060 > 192.0.2.2:5062");
    }

    #[test]
    fn v1_of_a_device_without_addresses_is_read() {
        // To us, ARPHRD_NONE (65534: tun), no address; a packet type that nobody assigned is no reason either.
        for kind in ["0000", "0009"] {
            let mut frame = hex(&format!("{kind} fffe 0000 ffffffffffff ffff 0800"));
            frame.extend(ipv4(17, &udp(b"x")));
            assert_eq!(transport(read(LinkType::LINUX_SLL, &frame).0).link.macs.src, Mac::default());
        }
    }

    #[test]
    fn v1_vlan_tag_and_llc_are_read() {
        let mut frame = hex("0003 0001 0006 020000000001 0000 8100 0065 0800");
        frame.extend(ipv4(17, &udp(b"x")));
        let (decoded, tap) = read(LinkType::LINUX_SLL, &frame);
        assert_eq!((transport(decoded).payload, tap.vlan.as_slice()), (&b"x"[..], &[101][..]));
        let frame = hex("0002 0001 0006 020000000001 0000 0004 424203 0000");
        assert!(matches!(read(LinkType::LINUX_SLL, &frame).0, Decoded::Other(Kind::NonIp)));
    }

    #[test]
    fn v2_gives_the_interface_index() {
        // IPv6, reserved, interface 7, ARPHRD_ETHER, to us, 6 bytes of address and two of padding.
        let mut frame = hex("86dd 0000 00000007 0001 00 06 020000000001 0000");
        frame.extend(ipv6(17, &udp(b"x")));
        let (decoded, tap) = read(LinkType::LINUX_SLL2, &frame);
        let packet = transport(decoded);
        assert_eq!((tap.ifindex, packet.link.macs.src), (Some(7), [2, 0, 0, 0, 0, 1]));
        assert_eq!(way(&packet), "[2001:db8::1]:5060 > [2001:db8::2]:5062");
    }

    #[test]
    fn netlink_is_not_ip_and_wireless_is_not_supported() {
        let netlink = hex("0004 0338 0000 0000000000000000 0000");
        assert!(matches!(read(LinkType::LINUX_SLL, &netlink).0, Decoded::Other(Kind::NonIp)));
        let radiotap = hex("0003 0323 0006 0200000000010000 0004");
        assert_eq!(refusal(read(LinkType::LINUX_SLL, &radiotap).0), "802.11: not supported");
    }

    #[test]
    fn short_headers_are_cut() {
        assert_eq!(refusal(read(LinkType::LINUX_SLL, &[0; 15]).0), "sll: header is cut");
        assert_eq!(refusal(read(LinkType::LINUX_SLL2, &[0; 19]).0), "sll2: header is cut");
    }
}
