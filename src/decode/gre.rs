//! GRE (RFC 2784) with key and sequence number (RFC 2890), and the version that PPTP uses (RFC 2637).

use super::layers::{Layers, cut_header};
use super::outer::{MirrorKind, TunnelKind};
use super::{Decoded, Next, Step, ether_type};
use crate::error::Undecoded;
use crate::ledger::Kind;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// Of version 1.
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

/// Ethernet in GRE.
const TRANSPARENT_BRIDGING: u16 = 0x6558;
const PPP: u16 = 0x880b;
/// ERSPAN types I and II; type III has a number of its own, and some send it under this one.
const ERSPAN: u16 = 0x88be;
const ERSPAN3: u16 = 0x22eb;

/// Reads flags, protocol and the fields that the flags announce.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let Some([f0, f1, p0, p1]) = layers.rest.take::<4>() else {
        return Err(cut_header("gre").into());
    };
    let (flags, protocol) = (u16::from_be_bytes([f0, f1]), u16::from_be_bytes([p0, p1]));
    match flags & VERSION {
        0 if flags & ROUTING == 0 => {}
        0 => return Err(Undecoded::new("gre", "source routing is not read").into()),
        1 if protocol == PPP => return pptp(layers, flags),
        _ => return Err(Undecoded::new("gre", "version is not 0").into()),
    }
    if flags & CHECKSUM != 0 && layers.rest.take::<4>().is_none() {
        return Err(cut_header("gre").into());
    }
    let key = match flags & KEY {
        0 => None,
        _ => Some(layers.rest.take::<4>().map(u32::from_be_bytes).ok_or_else(|| cut_header("gre"))?),
    };
    if flags & SEQUENCE != 0 && layers.rest.take::<4>().is_none() {
        return Err(cut_header("gre").into());
    }
    inside(layers, protocol, key, flags & SEQUENCE != 0)
}

fn inside<'a>(layers: &mut Layers<'a, '_>, protocol: u16, key: Option<u32>, numbered: bool) -> Step<'a> {
    match protocol {
        TRANSPARENT_BRIDGING => {
            layers.mirror(MirrorKind::Gre, key);
            Ok(Next::Ethernet)
        }
        // Type I has no header; types II and III are always numbered (draft-foschiano-erspan section 4).
        ERSPAN if !numbered => {
            layers.mirror(MirrorKind::Erspan1, key);
            Ok(Next::Ethernet)
        }
        ERSPAN | ERSPAN3 => Ok(Next::Erspan),
        // Keep-alives of Cisco's carry nothing.
        0 => Err(Decoded::Other(Kind::OtherIp)),
        PPP => {
            layers.tunnel(TunnelKind::Gre, key);
            Ok(Next::Ppp)
        }
        _ => {
            layers.tunnel(TunnelKind::Gre, key);
            match ether_type(protocol) {
                Ok(Next::Llc) | Err(Decoded::Other(_)) => Err(Undecoded::new("gre", "protocol is not read").into()),
                step => step,
            }
        }
    }
}

/// The key is the length of the payload and the call id; sequence and acknowledgment come if announced. A bare acknowledgment carries
/// nothing.
fn pptp<'a>(layers: &mut Layers<'a, '_>, flags: u16) -> Step<'a> {
    let Some([_, _, c0, c1]) = layers.rest.take::<4>() else {
        return Err(cut_header("gre").into());
    };
    let n = usize::from(flags & SEQUENCE != 0) + usize::from(flags & ACKNOWLEDGMENT != 0);
    layers.rest.skip(n * 4);
    if flags & SEQUENCE == 0 {
        return Err(Decoded::Other(Kind::OtherIp));
    }
    layers.tunnel(TunnelKind::Gre, Some(u32::from(u16::from_be_bytes([c0, c1]))));
    Ok(Next::Ppp)
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{ethernet, hex, ipv4, ipv6, read, read_all, refusal, transport, udp};
    use crate::decode::{Decoded, MirrorKind, TunnelKind};
    use crate::ledger::Kind;
    use crate::record::LinkType;

    fn gre(header: &str, payload: &[u8]) -> Vec<u8> {
        ipv4(47, &[hex(header), payload.to_vec()].concat())
    }

    #[test]
    fn optional_fields_are_stepped_over() {
        let inner = ipv4(17, &udp(b"x"));
        let headers = [
            ("0000 0800", None),
            ("8000 0800 dead0000", None),
            ("2000 0800 00000007", Some(7)),
            ("b000 0800 dead0000 00000007 00000001", Some(7)),
        ];
        for (header, key) in headers {
            let packet = gre(header, &inner);
            let (decoded, outer) = read_all(LinkType::RAW, &packet, 0);
            assert_eq!(transport(decoded).payload, b"x", "{header}");
            assert_eq!((outer.tunnels[0].kind, outer.tunnels[0].id), (TunnelKind::Gre, key));
            assert_eq!(outer.tunnels[0].ends, Some(("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap())));
            assert!(outer.tap.mirror.is_empty());
        }
        assert_eq!(transport(read(LinkType::RAW, &gre("0000 86dd", &ipv6(17, &udp(b"6")))).0).payload, b"6");
        assert_eq!(transport(read(LinkType::RAW, &gre("0000 8847", &[hex("00010140"), inner].concat())).0).payload, b"x");
    }

    #[test]
    fn bridged_ethernet_is_a_tap_of_its_own_both_ways() {
        let frame = ethernet(0x0800, &ipv4(17, &udp(b"x")));
        let packet = gre("2000 6558 00000009", &frame);
        let mut back = packet.clone();
        back[12..16].copy_from_slice(&packet[16..20]);
        back[16..20].copy_from_slice(&packet[12..16]);
        let (there, again) = (read_all(LinkType::RAW, &packet, 0).1, read_all(LinkType::RAW, &back, 0).1);
        assert_eq!((there.tap.mirror[0].kind, there.tap.mirror[0].id), (MirrorKind::Gre, Some(9)));
        assert_eq!(there.tap, again.tap);
    }

    #[test]
    fn pptp_carries_ppp() {
        let packet = gre("3081 880b 0026 1234 00000001 00000002", &[hex("0021"), ipv4(17, &udp(b"x"))].concat());
        let (decoded, outer) = read_all(LinkType::RAW, &packet, 0);
        assert_eq!((transport(decoded).payload, outer.tunnels[0].id), (&b"x"[..], Some(0x1234)));
        let ack = gre("2081 880b 0000 1234 00000002", &[]);
        assert!(matches!(read(LinkType::RAW, &ack).0, Decoded::Other(Kind::OtherIp)));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        assert_eq!(refusal(read(LinkType::RAW, &gre("0000", &[])).0), "gre: header is cut");
        assert_eq!(refusal(read(LinkType::RAW, &gre("b000 0800 dead0000 0000", &[])).0), "gre: header is cut");
        assert_eq!(refusal(read(LinkType::RAW, &gre("4000 0800 dead0000", &[])).0), "gre: source routing is not read");
        assert_eq!(refusal(read(LinkType::RAW, &gre("0002 0800", &[])).0), "gre: version is not 0");
        assert_eq!(refusal(read(LinkType::RAW, &gre("0000 0806", &[0; 28])).0), "gre: protocol is not read");
    }
}
