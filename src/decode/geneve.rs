//! GENEVE (RFC 8926): clouds mirror in it, and load balancers hand packets to appliances in it.

use super::layers::Layers;
use super::outer::MirrorKind;
use super::{Next, Step};

/// The assigned port.
pub const PORT: u16 = 6081;

const TRANSPARENT_BRIDGING: [u8; 2] = [0x65, 0x58];

/// Whether a UDP payload to the port is GENEVE: version 0, a protocol that is read, options that fit.
pub fn probe(payload: &[u8]) -> bool {
    let Some((&[first, flags, p0, p1, _, _, _, reserved], rest)) = payload.split_first_chunk::<8>() else { return false };
    let known = matches!([p0, p1], TRANSPARENT_BRIDGING | [0x08, 0x00] | [0x86, 0xdd]);
    first >> 6 == 0 && flags & 0x3f == 0 && reserved == 0 && known && options(first) < rest.len()
}

/// Reads the network identifier and steps over options; [`probe`] was true.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let [first, _, p0, p1, a, b, c, _] = layers.rest.take::<8>().unwrap_or_default();
    layers.rest.skip(options(first));
    layers.mirror(MirrorKind::Geneve, Some(u32::from_be_bytes([0, a, b, c])));
    Ok(if [p0, p1] == TRANSPARENT_BRIDGING { Next::Ethernet } else { Next::Raw })
}

/// Bytes of options.
fn options(first: u8) -> usize {
    usize::from(first & 0x3f) * 4
}

#[cfg(test)]
mod tests {
    use crate::decode::MirrorKind;
    use crate::decode::testing::{ethernet, hex, ipv4, read_all, transport, udp, udp_to};
    use crate::record::LinkType;

    #[test]
    fn frames_and_packets_inside_are_read_behind_options() {
        let packet = ipv4(17, &udp(b"x"));
        let frame = ethernet(0x0800, &packet);
        for (header, inner) in
            [("0000 6558 000007 00", &frame), ("0200 6558 000007 00 0108 01 01 00000000", &frame), ("0040 0800 000007 00", &packet)]
        {
            let packet = ipv4(17, &udp_to(6081, &[hex(header), inner.clone()].concat()));
            let (decoded, outer) = read_all(LinkType::RAW, &packet, 0);
            assert_eq!(
                (transport(decoded).payload, outer.tap.mirror[0].kind, outer.tap.mirror[0].id),
                (&b"x"[..], MirrorKind::Geneve, Some(7))
            );
        }
    }

    #[test]
    fn other_datagrams_to_its_port_stay_datagrams() {
        for payload in
            [b"OPTIONS sip:a SIP/2.0\r\n\r\n".to_vec(), hex("3f00 6558 000007 00 00"), hex("4000 6558 000007 00 00"), hex("0000 6558")]
        {
            let packet = ipv4(17, &udp_to(6081, &payload));
            let (decoded, outer) = read_all(LinkType::RAW, &packet, 0);
            assert_eq!((transport(decoded).payload, outer.tap.mirror.len()), (payload.as_slice(), 0));
        }
    }
}
