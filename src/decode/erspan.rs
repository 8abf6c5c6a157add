//! ERSPAN types II and III (draft-foschiano-erspan): a mirrored Ethernet frame behind a header of its own in GRE.

use super::layers::{Layers, cut_header};
use super::outer::MirrorKind;
use super::{Next, Step};
use crate::error::Undecoded;

/// Bytes of the platform-specific subheader of type III.
const PLATFORM: usize = 8;

/// Reads version, VLAN and session. The version, not GRE's protocol, tells the type.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let Some([v0, v1, s0, s1, _, _, _, _]) = layers.rest.take::<8>() else {
        return Err(cut_header("erspan").into());
    };
    let (vlan, session) = (u16::from_be_bytes([v0 & 0x0f, v1]), u32::from(u16::from_be_bytes([s0 & 0x03, s1])));
    match v0 >> 4 {
        1 => {
            layers.mirror(MirrorKind::Erspan2, Some(session));
            Ok(frame(layers, vlan))
        }
        2 => {
            // The security group, and a word whose last bit announces the subheader and whose second field tells the kind of frame.
            let Some([_, _, t0, t1]) = layers.rest.take::<4>() else {
                return Err(cut_header("erspan").into());
            };
            if t1 & 1 == 1 {
                layers.rest.skip(PLATFORM);
            }
            layers.mirror(MirrorKind::Erspan3, Some(session));
            match t0 >> 2 & 0x1f {
                0 => Ok(frame(layers, vlan)),
                2 => Ok(Next::Raw),
                _ => Err(Undecoded::new("erspan", "kind of frame is not read").into()),
            }
        }
        _ => Err(Undecoded::new("erspan", "version is neither 1 nor 2").into()),
    }
}

/// The mirroring switch names the frame's VLAN in its header and may have taken the tag off: a tag that is there says the same.
fn frame<'a>(layers: &mut Layers<'a, '_>, vlan: u16) -> Next {
    let tagged = matches!(
        layers.rest.bytes(),
        [_, _, _, _, _, _, _, _, _, _, _, _, 0x81 | 0x91, 0, ..] | [_, _, _, _, _, _, _, _, _, _, _, _, 0x88, 0xa8, ..]
    );
    if vlan != 0 && !tagged {
        layers.outer.tap.vlan.push(vlan);
    }
    Next::Ethernet
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{ethernet, hex, ipv4, read, read_all, refusal, transport, udp};
    use crate::decode::{MirrorKind, Outer};
    use crate::record::LinkType;

    fn erspan(gre: &str, header: &str, payload: &[u8]) -> Vec<u8> {
        ipv4(47, &[hex(gre), hex(header), payload.to_vec()].concat())
    }

    fn seen(packet: &[u8]) -> Outer {
        let (decoded, outer) = read_all(LinkType::RAW, packet, 0);
        let packet = transport(decoded);
        assert_eq!((packet.payload, packet.link.macs.dst), (&b"x"[..], [2, 0, 0, 0, 0, 2]));
        outer
    }

    #[test]
    fn types_one_to_three_are_told_apart() {
        let inner = ethernet(0x0800, &ipv4(17, &udp(b"x")));
        let one = seen(&erspan("0000 88be", "", &inner));
        assert_eq!((one.tap.mirror[0].kind, one.tap.mirror[0].id, one.tap.vlan.len()), (MirrorKind::Erspan1, None, 0));
        // Version 1, VLAN 100, session 7.
        let two = seen(&erspan("1000 88be 00000001", "1064 0007 00000003", &inner));
        assert_eq!((two.tap.mirror[0].kind, two.tap.mirror[0].id, two.tap.vlan.as_slice()), (MirrorKind::Erspan2, Some(7), &[100][..]));
        // Version 2, VLAN 0, session 1023, without and with the subheader.
        for (last, subheader) in [("0000", ""), ("0001", "0000000000000000")] {
            let three = seen(&erspan("1000 22eb 00000001", &format!("2000 03ff 00000000 0000 {last} {subheader}"), &inner));
            assert_eq!((three.tap.mirror[0].kind, three.tap.mirror[0].id), (MirrorKind::Erspan3, Some(1023)));
        }
    }

    #[test]
    fn tag_in_the_frame_counts_once() {
        let inner = ethernet(0x8100, &[hex("0064 0800"), ipv4(17, &udp(b"x"))].concat());
        assert_eq!(seen(&erspan("1000 88be 00000001", "1064 1807 00000003", &inner)).tap.vlan.as_slice(), [100]);
    }

    #[test]
    fn headers_that_are_wrong_say_so() {
        assert_eq!(refusal(read(LinkType::RAW, &erspan("1000 88be 00000001", "1064 0007", &[])).0), "erspan: header is cut");
        assert_eq!(refusal(read(LinkType::RAW, &erspan("1000 22eb 00000001", "2000 03ff 00000000 00", &[])).0), "erspan: header is cut");
        assert_eq!(
            refusal(read(LinkType::RAW, &erspan("1000 88be 00000001", "7064 0007 00000000", &[0; 9])).0),
            "erspan: version is neither 1 nor 2"
        );
        let fibre = erspan("1000 22eb 00000001", "2000 03ff 00000000 0000 0c00", &[0; 40]);
        assert_eq!(refusal(read(LinkType::RAW, &fibre).0), "erspan: kind of frame is not read");
    }
}
