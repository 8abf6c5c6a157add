//! L2TP version 2 over UDP (RFC 2661): PPP between an access concentrator and a network server.

use super::layers::{Layers, cut_header};
use super::outer::TunnelKind;
use super::{Next, Step};

/// The assigned port, of one end at least.
pub const PORT: u16 = 1701;

const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
/// Bits that are zero in version 2.
const RESERVED: u16 = 0x34f0;

/// Whether a UDP payload of the port is a data message: version 2, not a control message, with room for PPP.
pub fn probe(payload: &[u8]) -> bool {
    let Some((head, rest)) = payload.split_first_chunk::<2>() else { return false };
    let flags = u16::from_be_bytes(*head);
    flags & 0x000f == 2 && flags & (CONTROL | RESERVED) == 0 && rest.len() >= 5
}

/// Steps over the fields that the flags announce; [`probe`] was true.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let cut = || cut_header("l2tp");
    let whole = layers.rest.wire_len();
    let flags = u16::from_be_bytes(layers.rest.take::<2>().ok_or_else(cut)?);
    if flags & LENGTH != 0 {
        let len = usize::from(u16::from_be_bytes(layers.rest.take::<2>().ok_or_else(cut)?));
        if (4..=whole).contains(&len) {
            layers.rest.limit(len - 4);
        }
    }
    let [_, _, s0, s1] = layers.rest.take::<4>().ok_or_else(cut)?;
    if flags & SEQUENCE != 0 {
        layers.rest.take::<4>().ok_or_else(cut)?;
    }
    if flags & OFFSET != 0 {
        let pad = u16::from_be_bytes(layers.rest.take::<2>().ok_or_else(cut)?);
        layers.rest.skip(usize::from(pad));
    }
    layers.tunnel(TunnelKind::L2tp, Some(u32::from(u16::from_be_bytes([s0, s1]))));
    Ok(Next::Ppp)
}

#[cfg(test)]
mod tests {
    use crate::decode::TunnelKind;
    use crate::decode::testing::{hex, ipv4, read, read_all, refusal, transport, udp, udp_to};
    use crate::record::LinkType;

    fn l2tp(head: &str, payload: &[u8]) -> Vec<u8> {
        ipv4(17, &udp_to(1701, &[hex(head), payload.to_vec()].concat()))
    }

    #[test]
    fn ppp_is_read_behind_optional_fields() {
        let ppp = [hex("ff03 0021"), ipv4(17, &udp(b"x"))].concat();
        let len = format!("{:04x}", 8 + ppp.len());
        for head in [
            "0002 0001 0007".to_owned(),
            format!("4002 {len} 0001 0007"),
            "0802 0001 0007 0001 0002".to_owned(),
            "0202 0001 0007 0002 0000".to_owned(),
        ] {
            let packet = l2tp(&head, &ppp);
            let (decoded, outer) = read_all(LinkType::RAW, &packet, 0);
            assert_eq!(
                (transport(decoded).payload, outer.tunnels[0].kind, outer.tunnels[0].id),
                (&b"x"[..], TunnelKind::L2tp, Some(7)),
                "{head}"
            );
        }
    }

    #[test]
    fn control_messages_and_others_stay_datagrams() {
        for head in ["c802 0014 0001 0000 0000 0000", "0003 0000 0001 0007", "0002"] {
            assert_eq!(transport(read(LinkType::RAW, &l2tp(head, &[])).0).payload, hex(head));
        }
        assert_eq!(refusal(read(LinkType::RAW, &l2tp("0802 0001 0007 0001", &[])).0), "l2tp: header is cut");
    }
}
