//! SCTP (RFC 9260): the common header. Its chunks are the payload of the packet; data in them may be SIP (RFC 4168).

use super::layers::{Layers, cut_header};
use super::{Decoded, Transport, flow_key};

/// Ports, verification tag and checksum.
const LEN: usize = 12;

/// Reads the ports.
pub fn open<'a>(layers: &Layers<'a, '_>) -> Decoded<'a> {
    let mut rest = layers.rest;
    let Some([s0, s1, d0, d1, ..]) = rest.take::<LEN>() else {
        return cut_header("sctp").into();
    };
    let (flow, dir) = layers.ends.flow(u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]), flow_key::SCTP);
    Decoded::Transport(Transport { link: layers.link, flow, dir, tcp: None, payload: rest.bytes(), cut: rest.cut() })
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{hex, ipv4, read, refusal, transport, way};
    use crate::record::LinkType;

    #[test]
    fn chunks_are_the_payload() {
        let packet = ipv4(132, &hex("13c4 13c6 00000001 deadbeef 0400 0004"));
        let packet = transport(read(LinkType::RAW, &packet).0);
        assert_eq!(
            (way(&packet).as_str(), packet.payload, packet.flow.protocol()),
            ("192.0.2.1:5060 > 192.0.2.2:5062", &[4, 0, 0, 4][..], 132)
        );
        assert_eq!(refusal(read(LinkType::RAW, &ipv4(132, &[0; 11])).0), "sctp: header is cut");
    }
}
