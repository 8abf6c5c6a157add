//! Exported PDUs (link type 252, `exported_pdu_tlvs.h` of Wireshark): what a dissector was given, behind tags that say which dissector
//! that was and between which endpoints it came. Layer 4 exports datagrams and segments as they were on the wire; layer 7 exports what
//! SIP was read from, decrypted if it was encrypted.

use super::layers::{Ends, Layers, cut_header};
use super::outer::{Agent, Pdu};
use super::packet::TcpHeader;
use super::{Decoded, Link, Transport, flow_key};
use crate::error::Undecoded;

const LAYER: &str = "exported pdu";

/// Names of the dissectors that are given SIP: of messages, and of what TLS or a heuristic took for SIP.
const SIP: &[u8] = b"sip";
const SIP_AROUND: [&[u8]; 3] = [b"sip.tcp", b"sip_tcp", b"sip_sctp"];
/// Dissectors that UDP gives a datagram by itself, beside those with names of their heuristics, which end like [`BY_HEURISTIC`].
const DATAGRAMS: [&[u8]; 7] = [b"rtp", b"rtcp", b"stun", b"stun-udp", b"turnchannel", b"dtls", b"udp.port"];
const BY_HEURISTIC: &[u8] = b"_udp";

/// What the tags say.
#[derive(Default)]
struct Said<'a> {
    dissector: Option<&'a [u8]>,
    v4: [Option<[u8; 4]>; 2],
    v6: [Option<[u8; 16]>; 2],
    port_type: Option<u32>,
    ports: [Option<u16>; 2],
    frame: Option<u32>,
    tcp: Option<TcpHeader>,
}

/// How a PDU is read.
enum Form {
    /// SIP from a stream or a datagram.
    Sip { inner: bool },
    /// A datagram's payload.
    Datagram,
    /// A TCP segment's, or several segments' put together.
    Segment(TcpHeader),
}

/// Reads the tags. A length is that of the value, with what padding the value has.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Decoded<'a> {
    let mut said = Said::default();
    loop {
        let Some([t0, t1, l0, l1]) = layers.rest.take::<4>() else { return cut_header(LAYER).into() };
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        let Some(value) = layers.rest.bytes().get(..len) else {
            let cut = len <= layers.rest.wire_len();
            return if cut { cut_header(LAYER).into() } else { Undecoded::new(LAYER, "tag beyond the record").into() };
        };
        layers.rest.skip(len);
        match u16::from_be_bytes([t0, t1]) {
            0 => break,
            tag => said.tag(tag, value),
        }
    }
    said.pdu(layers).unwrap_or_else(|reason| Undecoded::new(LAYER, reason).into())
}

impl<'a> Said<'a> {
    /// Takes a tag in; of those that name a dissector the first holds.
    fn tag(&mut self, tag: u16, value: &'a [u8]) {
        let number = || value.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes));
        let port = || number().and_then(|port| u16::try_from(port).ok());
        let ([v4_src, v4_dst], [v6_src, v6_dst], [src_port, dst_port]) = (&mut self.v4, &mut self.v6, &mut self.ports);
        match tag {
            12..=14 => {
                // Strings end in as many NULs as they like.
                let end = value.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                self.dissector = self.dissector.or(value.get(..end));
            }
            20 => *v4_src = value.try_into().ok(),
            21 => *v4_dst = value.try_into().ok(),
            22 => *v6_src = value.try_into().ok(),
            23 => *v6_dst = value.try_into().ok(),
            24 => self.port_type = number(),
            25 => *src_port = port(),
            26 => *dst_port = port(),
            30 => self.frame = number(),
            34 => self.tcp = segment(value),
            _ => {}
        }
    }

    fn pdu(&self, layers: &mut Layers<'a, '_>) -> Result<Decoded<'a>, &'static str> {
        let dissector = self.dissector.ok_or("no dissector named")?;
        let protocol = self.protocol();
        let form = self.form(dissector, protocol).ok_or("dissector's protocol is not read")?;
        let protocol = protocol.ok_or("neither UDP, TCP nor SCTP")?;
        let ends = match (self.v4, self.v6) {
            ([Some(src), Some(dst)], _) => Ends::V4(src, dst),
            (_, [Some(src), Some(dst)]) => Ends::V6(src, dst),
            _ => return Err("no endpoints"),
        };
        let [Some(src), Some(dst)] = self.ports else { return Err("no endpoints") };
        let (flow, dir) = ends.flow(src, dst, protocol);
        let (payload, cut) = (layers.rest.bytes(), layers.rest.cut());
        let tcp = if let Form::Segment(header) = form { Some(header) } else { None };
        if let Form::Sip { inner } = form {
            let pdu = Some(Pdu { frame: self.frame, inner });
            layers.outer.agent = Some(Box::new(Agent { pdu, ..Agent::default() }));
        }
        Ok(Decoded::Transport(Transport { link: Link::default(), flow, dir, tcp, payload, cut }))
    }

    /// The transport, by `EXP_PDU_PT_…`.
    fn protocol(&self) -> Option<u8> {
        match self.port_type? {
            1 => Some(flow_key::SCTP),
            2 => Some(flow_key::TCP),
            3 => Some(flow_key::UDP),
            _ => None,
        }
    }

    fn form(&self, dissector: &[u8], protocol: Option<u8>) -> Option<Form> {
        let is_datagram = DATAGRAMS.contains(&dissector) || dissector.ends_with(BY_HEURISTIC);
        match (self.tcp, protocol) {
            // TCP alone says where in the stream it was; who it gave the segment to does not matter.
            (Some(header), Some(flow_key::TCP)) => Some(Form::Segment(header)),
            _ if dissector == SIP => Some(Form::Sip { inner: true }),
            _ if SIP_AROUND.contains(&dissector) => Some(Form::Sip { inner: false }),
            (_, Some(flow_key::UDP)) if is_datagram => Some(Form::Datagram),
            _ => None,
        }
    }
}

/// What TCP tells its dissectors, version 1: sequence numbers of the first byte and behind the last, acknowledgment, whether segments were
/// put together, flags. Numbers count from the first byte of each direction, if Wireshark was not told otherwise.
fn segment(value: &[u8]) -> Option<TcpHeader> {
    let &[0, 1, s0, s1, s2, s3, _, _, _, _, a0, a1, a2, a3, _, _, flags] = value.first_chunk::<17>()? else { return None };
    Some(TcpHeader { seq: u32::from_be_bytes([s0, s1, s2, s3]), ack: u32::from_be_bytes([a0, a1, a2, a3]), flags })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hex, read, read_all, read_cut, refusal, transport, way};
    use super::*;
    use crate::record::LinkType;

    const PDU: LinkType = LinkType::WIRESHARK_UPPER_PDU;

    fn tag(tag: u16, value: &[u8]) -> Vec<u8> {
        [&tag.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat()
    }

    /// Endpoints 192.0.2.1:5060 and 198.51.100.2:5061 of a port type, and frame 7.
    fn between(port_type: u32) -> Vec<u8> {
        let ports = [tag(24, &port_type.to_be_bytes()), tag(25, &5060u32.to_be_bytes()), tag(26, &5061u32.to_be_bytes())];
        [tag(20, &[192, 0, 2, 1]), tag(21, &[198, 51, 100, 2]), ports.concat(), tag(30, &7u32.to_be_bytes())].concat()
    }

    fn pdu(tags: &[Vec<u8>], payload: &[u8]) -> Vec<u8> {
        [&tags.concat()[..], &[0; 4], payload].concat()
    }

    #[test]
    fn sip_of_each_transport_has_the_endpoints_of_its_tags() {
        for (port_type, protocol) in [(1, 132), (2, 6), (3, 17)] {
            for (name, inner) in [(tag(12, b"sip\0"), true), (tag(12, b"sip.tcp\0"), false), (tag(13, b"sip_tcp"), false)] {
                let bytes = pdu(&[name, between(port_type)], b"OPTIONS");
                let (decoded, outer) = read_all(PDU, &bytes, 0);
                let packet = transport(decoded);
                assert_eq!((way(&packet).as_str(), packet.flow.protocol()), ("192.0.2.1:5060 > 198.51.100.2:5061", protocol));
                assert_eq!((packet.payload, packet.tcp), (&b"OPTIONS"[..], None));
                assert_eq!(outer.agent.unwrap().pdu, Some(Pdu { frame: Some(7), inner }));
            }
        }
    }

    #[test]
    fn layer_four_is_read_as_it_was_on_the_wire() {
        // As tshark 4.0.17 writes it: a TLS record of 24 octets that ends at 0x1168.
        let told = hex("0001 00001150 00001168 00001a48 00 0018 0000");
        let segment = pdu(&[tag(14, b"tcp.port"), between(2), tag(32, &5061u32.to_be_bytes()), tag(34, &told)], b"TLS");
        let (decoded, outer) = read_all(PDU, &segment, 0);
        assert_eq!(transport(decoded).tcp, Some(TcpHeader { seq: 0x1150, ack: 0x1a48, flags: 0x18 }));
        assert_eq!(outer.agent, None);
        for name in [tag(14, b"udp.port"), tag(12, b"rtp\0"), tag(13, b"stun_udp")] {
            let bytes = pdu(&[name, between(3)], b"x");
            let (decoded, outer) = read_all(PDU, &bytes, 0);
            assert_eq!((transport(decoded).flow.protocol(), outer.agent), (17, None));
        }
    }

    #[test]
    fn ipv6_and_tags_of_no_use_are_read() {
        let (mut src, mut dst) = ([0; 16], [0; 16]);
        (src[15], dst[15]) = (1, 2);
        let ports = [tag(24, &3u32.to_be_bytes()), tag(25, &5060u32.to_be_bytes()), tag(26, &5062u32.to_be_bytes())].concat();
        let bytes = pdu(&[tag(10, &[0; 4]), tag(12, b"sip"), tag(22, &src), tag(23, &dst), ports, tag(999, &[1; 300])], b"x");
        assert_eq!(way(&transport(read(PDU, &bytes).0)), "[::1]:5060 > [::2]:5062");
    }

    #[test]
    fn what_is_not_read_says_why() {
        let refused = |tags: &[Vec<u8>]| refusal(read(PDU, &pdu(tags, b"x")).0);
        assert_eq!(refused(&[tag(12, b"http"), between(2)]), "exported pdu: dissector's protocol is not read");
        assert_eq!(refused(&[tag(12, b"rtp"), between(2)]), "exported pdu: dissector's protocol is not read");
        assert_eq!(refused(&[between(2)]), "exported pdu: no dissector named");
        assert_eq!(refused(&[tag(12, b"sip"), between(13)]), "exported pdu: neither UDP, TCP nor SCTP");
        assert_eq!(refused(&[tag(12, b"sip"), tag(24, &3u32.to_be_bytes())]), "exported pdu: no endpoints");
        assert_eq!(refused(&[tag(12, b"sip"), between(2), tag(20, &[1, 2, 3])]), "exported pdu: no endpoints");
        assert_eq!(refused(&[tag(12, b"sip"), between(2), tag(26, &65_536u32.to_be_bytes())]), "exported pdu: no endpoints");
    }

    #[test]
    fn tags_that_lie_or_are_cut_end_the_reading() {
        let whole = [tag(12, b"sip"), between(3)].concat();
        for len in 0..whole.len() {
            let why = refusal(read(PDU, &whole[..len]).0);
            assert!(["exported pdu: header is cut", "exported pdu: tag beyond the record"].contains(&why.as_str()), "{len}: {why}");
        }
        let huge = [&hex("000c ffff")[..], b"sip"].concat();
        assert_eq!(refusal(read(PDU, &huge).0), "exported pdu: tag beyond the record");
        assert_eq!(refusal(read_cut(PDU, &huge, 70_000).0), "exported pdu: header is cut");
    }
}
