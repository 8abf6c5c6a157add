//! TCP (RFC 9293 section 3.1).

use super::layers::{Layers, cut_header};
use super::{Decoded, TcpHeader, Transport, flow_key};
use crate::error::Undecoded;
use etherparse::TcpHeaderSlice;
use etherparse::err::tcp::HeaderSliceError;

/// Offset of the flag octet.
const FLAGS: usize = 13;

/// Reads ports, sequence numbers and flags, and steps over options.
#[inline]
pub fn open<'a>(layers: &Layers<'a, '_>) -> Decoded<'a> {
    let mut rest = layers.rest;
    let header = match TcpHeaderSlice::from_slice(rest.bytes()) {
        Ok(header) => header,
        Err(HeaderSliceError::Len(_)) => return cut_header("tcp").into(),
        Err(HeaderSliceError::Content(_)) => return Undecoded::new("tcp", "header length below 20").into(),
    };
    rest.skip(header.slice().len());
    let (flow, dir) = layers.ends.flow(header.source_port(), header.destination_port(), flow_key::TCP);
    let flags = header.slice().get(FLAGS).copied().unwrap_or_default();
    let tcp = TcpHeader { seq: header.sequence_number(), ack: header.acknowledgment_number(), flags };
    Decoded::Transport(Transport { link: layers.link, flow, dir, tcp: Some(tcp), payload: rest.bytes(), cut: rest.cut() })
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{ethernet, hex, ipv4, read, read_cut, refusal, transport, way};
    use crate::decode::{Dir, TcpHeader};
    use crate::record::LinkType;

    /// From port 5061 to 5060: SYN and ACK, header of 24 bytes with a maximum segment size of 1460.
    const SYN_ACK: &str = "13c5 13c4 00000001 fffffffe 60 12 ffff dead 0000 020405b4";

    #[test]
    fn numbers_and_flags_are_read() {
        let packet = ipv4(6, &hex(SYN_ACK));
        let packet = transport(read(LinkType::RAW, &packet).0);
        let tcp = packet.tcp.unwrap();
        assert_eq!(tcp, TcpHeader { seq: 1, ack: 0xffff_fffe, flags: 0x12 });
        assert_eq!((tcp.syn(), tcp.ack_set(), tcp.fin(), tcp.rst()), (true, true, false, false));
        assert_eq!((way(&packet).as_str(), packet.dir, packet.flow.protocol()), ("192.0.2.1:5061 > 192.0.2.2:5060", Dir::Up, 6));
        assert_eq!((packet.payload, packet.cut), (&b""[..], 0));
    }

    #[test]
    fn padding_behind_a_bare_ack_is_not_payload() {
        let mut frame = ethernet(0x0800, &ipv4(6, &hex("13c5 13c4 00000001 00000002 50 10 ffff 0000 0000")));
        frame.resize(60, 0);
        assert_eq!(transport(read(LinkType::ETHERNET, &frame).0).payload, b"");
    }

    #[test]
    fn snaplen_takes_payload_then_options() {
        let mut segment = hex(SYN_ACK);
        segment.extend(b"0123456789");
        let whole = ipv4(6, &segment);
        let packet = transport(read_cut(LinkType::RAW, &whole[..whole.len() - 7], 7).0);
        assert_eq!((packet.payload, packet.cut), (&b"012"[..], 7));
        assert_eq!(refusal(read_cut(LinkType::RAW, &whole[..42], 12).0), "tcp: header is cut");
        assert_eq!(refusal(read_cut(LinkType::RAW, &whole[..30], 24).0), "tcp: header is cut");
    }

    #[test]
    fn data_offset_below_five_is_refused() {
        let mut segment = hex(SYN_ACK);
        segment[12] = 0x40;
        assert_eq!(refusal(read(LinkType::RAW, &ipv4(6, &segment)).0), "tcp: header length below 20");
    }
}
