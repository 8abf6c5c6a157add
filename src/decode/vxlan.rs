//! VXLAN (RFC 7348), with group policy bits tolerated, and its generic protocol extension (draft-ietf-nvo3-vxlan-gpe).

use super::layers::Layers;
use super::outer::MirrorKind;
use super::{Next, Step};
use crate::error::Undecoded;

/// The assigned port, and the one that Linux and many clouds used before it.
pub const PORTS: [u16; 2] = [4789, 8472];
/// Port of the generic protocol extension.
pub const GPE_PORT: u16 = 4790;

const NETWORK_SET: u8 = 0x08;
/// A group id stands where zeros should (draft-smith-vxlan-group-policy).
const GROUP_SET: u8 = 0x80;
const PROTOCOL_SET: u8 = 0x04;

/// Whether a UDP payload to one of the ports is VXLAN: its flags say so, and what must be zero is.
pub fn probe(payload: &[u8]) -> bool {
    match payload {
        [NETWORK_SET, 0, 0, 0, _, _, _, 0, rest @ ..] => rest.len() >= 14,
        [flags, policy, _, _, _, _, _, 0, rest @ ..] => *flags == NETWORK_SET | GROUP_SET && policy & 0xb7 == 0 && rest.len() >= 14,
        _ => false,
    }
}

/// [`probe`] of the generic protocol extension.
pub fn probe_gpe(payload: &[u8]) -> bool {
    matches!(payload, [flags, 0, 0, 1..=4, _, _, _, 0, _, ..] if *flags & 0xfe == NETWORK_SET | PROTOCOL_SET)
}

/// Reads the network identifier; [`probe`] was true.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    network(layers);
    Ok(Next::Ethernet)
}

/// Reads network identifier and protocol; [`probe_gpe`] was true.
pub fn open_gpe<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    match network(layers) {
        1 | 2 => Ok(Next::Raw),
        3 => Ok(Next::Ethernet),
        _ => Err(Undecoded::new("vxlan", "protocol is not read").into()),
    }
}

fn network(layers: &mut Layers<'_, '_>) -> u8 {
    let [_, _, _, protocol, a, b, c, _] = layers.rest.take::<8>().unwrap_or_default();
    layers.mirror(MirrorKind::Vxlan, Some(u32::from_be_bytes([0, a, b, c])));
    protocol
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{ethernet, hex, ipv4, read, read_all, transport, udp_to, way};
    use crate::decode::{MirrorKind, testing::udp};
    use crate::record::LinkType;

    #[test]
    fn frame_inside_is_read_and_its_network_is_the_tap() {
        let inner = ethernet(0x0800, &ipv4(17, &udp(b"x")));
        for (port, header) in
            [(4789, "08000000 123456 00"), (8472, "08000000 123456 00"), (4789, "8800 0042 123456 00"), (4790, "0c000003 123456 00")]
        {
            let packet = ipv4(17, &udp_to(port, &[hex(header), inner.clone()].concat()));
            let (decoded, outer) = read_all(LinkType::RAW, &packet, 0);
            assert_eq!((way(&transport(decoded)).as_str(), outer.tap.mirror.len()), ("192.0.2.1:5060 > 192.0.2.2:5062", 1), "{header}");
            assert_eq!((outer.tap.mirror[0].kind, outer.tap.mirror[0].id), (MirrorKind::Vxlan, Some(0x12_3456)));
        }
        let packet = ipv4(17, &udp_to(4790, &[hex("0c000001 123456 00"), ipv4(17, &udp(b"x"))].concat()));
        assert_eq!(transport(read(LinkType::RAW, &packet).0).payload, b"x");
    }

    #[test]
    fn other_datagrams_to_its_ports_stay_datagrams() {
        for payload in [
            b"INVITE sip:a@b SIP/2.0\r\n\r\n".to_vec(),
            [hex("8000 0001 00000000 00000007"), vec![0; 160]].concat(),
            hex("08000000 000001 00"),
        ] {
            let packet = ipv4(17, &udp_to(4789, &payload));
            let (decoded, outer) = read_all(LinkType::RAW, &packet, 0);
            assert_eq!((transport(decoded).payload, outer.tap.mirror.len()), (payload.as_slice(), 0));
        }
    }
}
