//! PPP over Ethernet (RFC 2516), session stage.

use super::layers::{Layers, cut_header};
use super::outer::TunnelKind;
use super::{Decoded, Next, Step};
use crate::error::Undecoded;
use crate::ledger::Kind;

/// Reads version, code, session and length. Codes other than 0 belong to discovery.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    match layers.rest.take::<6>() {
        None => Err(cut_header("pppoe").into()),
        Some([0x11, 0, s0, s1, l0, l1]) => {
            layers.tunnel(TunnelKind::Pppoe, Some(u32::from(u16::from_be_bytes([s0, s1]))));
            let len = usize::from(u16::from_be_bytes([l0, l1]));
            if len <= layers.rest.wire_len() || layers.rest.cut() > 0 {
                layers.rest.limit(len);
            }
            Ok(Next::Ppp)
        }
        Some([0x11, ..]) => Err(Decoded::Other(Kind::NonIp)),
        Some(_) => Err(Undecoded::new("pppoe", "version and type are not 1").into()),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{ethernet, hex, ipv4, read, read_all, refusal, transport, udp};
    use crate::decode::{Decoded, TunnelKind};
    use crate::ledger::Kind;
    use crate::record::LinkType;

    #[test]
    fn session_is_read_and_its_padding_left() {
        let packet = [hex("0021"), ipv4(17, &udp(b"x"))].concat();
        let frame = [hex("1100 00ab"), (packet.len() as u16).to_be_bytes().to_vec(), packet, vec![0; 9]].concat();
        let frame = ethernet(0x8864, &frame);
        let (decoded, outer) = read_all(LinkType::ETHERNET, &frame, 0);
        assert_eq!((transport(decoded).payload, outer.tunnels[0].kind, outer.tunnels[0].id), (&b"x"[..], TunnelKind::Pppoe, Some(0xab)));
        assert_eq!(transport(read(LinkType(51), &frame[14..]).0).payload, b"x");
    }

    #[test]
    fn length_that_lies_leaves_what_is_there() {
        let packet = [hex("1100 0001 ffff 0021"), ipv4(17, &udp(b"x"))].concat();
        assert_eq!(transport(read(LinkType::ETHERNET, &ethernet(0x8864, &packet)).0).payload, b"x");
        assert_eq!(refusal(read(LinkType::ETHERNET, &ethernet(0x8864, &hex("1100 0001 0000 0021"))).0), "ppp: header is cut");
    }

    #[test]
    fn discovery_is_no_ip_and_nonsense_is_named() {
        assert!(matches!(read(LinkType::ETHERNET, &ethernet(0x8864, &hex("11a7 0001 0000"))).0, Decoded::Other(Kind::NonIp)));
        assert_eq!(refusal(read(LinkType::ETHERNET, &ethernet(0x8864, &hex("2200 0001 0000"))).0), "pppoe: version and type are not 1");
        assert_eq!(refusal(read(LinkType::ETHERNET, &ethernet(0x8864, &hex("1100 0001"))).0), "pppoe: header is cut");
    }
}
