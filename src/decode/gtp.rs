//! GTP-U version 1 (3GPP TS 29.281): a subscriber's packets between base station and core.

use super::layers::{Layers, cut_header};
use super::outer::TunnelKind;
use super::{Next, Step};
use crate::error::Undecoded;

/// The assigned port.
pub const PORT: u16 = 2152;

/// Message type of a subscriber's packet (clause 5.1).
const T_PDU: u8 = 0xff;
/// Any of these flags announces four more octets (clause 5.1).
const OPTIONAL: u8 = 0x07;
/// This one announces extension headers.
const EXTENSION: u8 = 0x04;

/// Whether a UDP payload to the port carries a subscriber's packet: version 1, GTP and not GTP', that message type, a length that fits.
pub fn probe(payload: &[u8], cut: u32) -> bool {
    let Some((&[flags, T_PDU, l0, l1, ..], rest)) = payload.split_first_chunk::<8>() else { return false };
    let wire_len = rest.len().saturating_add(cut as usize);
    flags & 0xf8 == 0x30 && (1..=wire_len).contains(&usize::from(u16::from_be_bytes([l0, l1])))
}

/// Reads the endpoint identifier and steps over extension headers (clause 5.2.1); [`probe`] was true.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let [flags, _, l0, l1, t0, t1, t2, t3] = layers.rest.take::<8>().unwrap_or_default();
    layers.rest.limit(usize::from(u16::from_be_bytes([l0, l1])));
    if flags & OPTIONAL != 0 {
        let Some([_, _, _, next]) = layers.rest.take::<4>() else {
            return Err(cut_header("gtp").into());
        };
        if flags & EXTENSION != 0 {
            extensions(layers, next)?;
        }
    }
    layers.tunnel(TunnelKind::Gtp, Some(u32::from_be_bytes([t0, t1, t2, t3])));
    match layers.rest.bytes().first().map(|byte| byte >> 4) {
        Some(4 | 6) => Ok(Next::Raw),
        Some(_) => Err(Undecoded::new("gtp", "packet is not IP").into()),
        None => Err(cut_header("gtp").into()),
    }
}

/// Each header: its length in units of four octets, content, the type of the next; type 0 ends them.
fn extensions(layers: &mut Layers<'_, '_>, mut next: u8) -> Result<(), Undecoded> {
    while next != 0 {
        let bytes = layers.rest.bytes();
        let len = usize::from(*bytes.first().ok_or_else(|| cut_header("gtp"))?) * 4;
        let last = len.checked_sub(1).ok_or(Undecoded::new("gtp", "extension header without length"))?;
        next = *bytes.get(last).ok_or_else(|| cut_header("gtp"))?;
        layers.rest.skip(len);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::decode::TunnelKind;
    use crate::decode::testing::{hex, ipv4, read, read_all, refusal, transport, udp, udp_to};
    use crate::record::LinkType;

    fn gtp(flags: u8, kind: u8, head: &str, payload: &[u8]) -> Vec<u8> {
        let head = hex(head);
        let len = (head.len() - 4 + payload.len()) as u16;
        ipv4(17, &udp_to(2152, &[vec![flags, kind], len.to_be_bytes().to_vec(), head, payload.to_vec()].concat()))
    }

    #[test]
    fn packets_are_read_behind_extension_headers_and_tunnel_in_tunnel() {
        let inner = ipv4(17, &udp(b"x"));
        // PDU session container (type 0x85), as 5G sends it.
        for (flags, head) in [(0x30, "000000aa"), (0x32, "000000aa 0001 00 00"), (0x34, "000000aa 0000 00 85 01 0009 00")] {
            let packet = gtp(flags, 0xff, head, &inner);
            let (decoded, outer) = read_all(LinkType::RAW, &packet, 0);
            assert_eq!((transport(decoded).payload, outer.tunnels[0].kind, outer.tunnels[0].id), (&b"x"[..], TunnelKind::Gtp, Some(0xaa)));
        }
        let nested = gtp(0x30, 0xff, "00000001", &gtp(0x30, 0xff, "00000002", &inner));
        let (decoded, outer) = read_all(LinkType::RAW, &nested, 0);
        assert_eq!((transport(decoded).payload, outer.tunnels.len()), (&b"x"[..], 2));
    }

    #[test]
    fn signalling_stays_a_datagram() {
        let echo = gtp(0x32, 1, "00000000 0001 0000", &[]);
        assert_eq!(transport(read(LinkType::RAW, &echo).0).payload.len(), 12);
    }

    #[test]
    fn extension_headers_that_lie_end_the_reading() {
        assert_eq!(
            refusal(read(LinkType::RAW, &gtp(0x34, 0xff, "000000aa 0000 00 85 00", &[0; 20])).0),
            "gtp: extension header without length"
        );
        assert_eq!(refusal(read(LinkType::RAW, &gtp(0x34, 0xff, "000000aa 0000 00 85 ff", &[0; 20])).0), "gtp: header is cut");
        assert_eq!(refusal(read(LinkType::RAW, &gtp(0x30, 0xff, "000000aa", &[0xff; 20])).0), "gtp: packet is not IP");
        let chain = hex(&"01850085".repeat(40));
        assert_eq!(refusal(read(LinkType::RAW, &gtp(0x34, 0xff, "000000aa 0000 00 85", &chain)).0), "gtp: header is cut");
    }
}
