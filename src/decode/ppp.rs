//! PPP (RFC 1661), in HDLC framing (RFC 1662) or without, and Cisco's HDLC, which shares a link type with it.

use super::layers::{Layers, cut_header};
use super::{Decoded, Next, Step, ether_type};
use crate::error::Undecoded;
use crate::ledger::Kind;

/// Address and control of HDLC framing.
const ADDRESS_CONTROL: [u8; 2] = [0xff, 0x03];

/// Reads the protocol, of one octet or two (RFC 1661 section 2).
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    if layers.rest.bytes().starts_with(&ADDRESS_CONTROL) {
        layers.rest.skip(2);
    }
    let number = match layers.rest.bytes() {
        [low, ..] if low & 1 == 1 => {
            layers.rest.skip(1);
            u16::from(*low)
        }
        [high, low, ..] => {
            layers.rest.skip(2);
            u16::from_be_bytes([*high, *low])
        }
        _ => return Err(cut_header("ppp").into()),
    };
    match number {
        0x0021 => Ok(Next::Ipv4),
        0x0057 => Ok(Next::Ipv6),
        0x0281 | 0x0283 => Ok(Next::Mpls),
        0x003d => Err(Undecoded::new("ppp", "multilink is not joined").into()),
        0x002d | 0x002f | 0x0061 | 0x0069 | 0x00fb | 0x00fd => Err(Undecoded::new("ppp", "compressed").into()),
        0x0053 | 0x0055 => Err(Undecoded::new("ppp", "encrypted").into()),
        0x0031 => Err(Undecoded::new("ppp", "bridged frames are not read").into()),
        _ => Err(Decoded::Other(Kind::NonIp)),
    }
}

/// LINKTYPE_PPP_HDLC and LINKTYPE_C_HDLC: PPP, or behind Cisco's unicast and broadcast addresses an EtherType.
pub fn open_hdlc<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    match layers.rest.bytes() {
        [0x0f | 0x8f, _, high, low, ..] => {
            let value = u16::from_be_bytes([*high, *low]);
            layers.rest.skip(4);
            match ether_type(value) {
                Ok(Next::Llc) => Err(Decoded::Other(Kind::NonIp)),
                step => step,
            }
        }
        _ => Ok(Next::Ppp),
    }
}

/// LINKTYPE_PPP_WITH_DIR: an octet before it tells the direction.
pub fn open_with_dir<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    layers.rest.skip(1);
    Ok(Next::Ppp)
}

#[cfg(test)]
mod tests {
    use crate::decode::Decoded;
    use crate::decode::testing::{hex, ipv4, ipv6, read, refusal, transport, udp, way};
    use crate::ledger::Kind;
    use crate::record::LinkType;

    #[test]
    fn ip_is_read_in_every_framing() {
        let packet = ipv4(17, &udp(b"x"));
        for (link, head) in
            [(9, "ff03 0021"), (9, "0021"), (9, "21"), (50, "ff03 0021"), (50, "0f00 0800"), (104, "8f00 0800"), (204, "00 0021")]
        {
            let frame = [hex(head), packet.clone()].concat();
            assert_eq!(way(&transport(read(LinkType(link), &frame).0)), "192.0.2.1:5060 > 192.0.2.2:5062", "{head}");
        }
        let frame = [hex("0057"), ipv6(17, &udp(b"x"))].concat();
        assert_eq!(transport(read(LinkType(9), &frame).0).payload, b"x");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        assert!(matches!(read(LinkType(9), &hex("ff03 c021 0101")).0, Decoded::Other(Kind::NonIp)), "LCP");
        assert_eq!(refusal(read(LinkType(9), &hex("003d c0 000001")).0), "ppp: multilink is not joined");
        assert_eq!(refusal(read(LinkType(9), &hex("fd 0102")).0), "ppp: compressed");
        assert_eq!(refusal(read(LinkType(9), &hex("0053 0102")).0), "ppp: encrypted");
        assert_eq!(refusal(read(LinkType(9), &hex("ff03 00")).0), "ppp: header is cut");
        assert!(matches!(read(LinkType(104), &hex("0f00 8035 0000")).0, Decoded::Other(Kind::NonIp)), "SLARP");
    }
}
