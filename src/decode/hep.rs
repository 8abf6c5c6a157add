//! HEP, versions 1 to 3 (github.com/sipcapture/HEP): what a capture agent saw elsewhere, with the addresses and the time of there.

use super::layers::{Ends, Layers, cut_header};
use super::outer::{Agent, MirrorKind};
use super::{Decoded, Transport, flow_key};
use crate::error::Undecoded;
use crate::time::Timestamp;
use flate2::read::ZlibDecoder;
use std::io::Read;

/// Ports that agents send versions 1 and 2 to; version 3 begins with its name and is known on any.
pub const PORTS: [u16; 3] = [9060, 9061, 9063];
const MAGIC: [u8; 4] = *b"HEP3";
/// Bytes of the name and the length.
const HEAD: usize = 6;
/// Bytes of a chunk's vendor, type and length.
const CHUNK: usize = 6;
/// Most bytes that a compressed payload unpacks to: a UDP datagram.
const MOST_UNPACKED: u64 = 65_535;

/// Whether a UDP payload is version 3.
#[inline]
pub fn probe(payload: &[u8]) -> bool {
    payload.starts_with(&MAGIC)
}

/// Length of the message of version 3 that begins a stream; `None` where none does. Its first six octets must be there.
pub fn hep_len(stream: &[u8]) -> Option<usize> {
    let (head, _) = stream.split_first_chunk::<HEAD>()?;
    let [_, _, _, _, l0, l1] = *head;
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    (probe(head) && len >= HEAD).then_some(len)
}

/// Whether a UDP payload to one of the ports is version 1 or 2. The second octet should be the header's length, and Kamailio writes
/// something else there; ports of the packet are never zero.
pub fn probe_old(payload: &[u8]) -> bool {
    matches!(payload, [1 | 2, _, 2 | 10, 6 | 17, s0, s1, d0, d1, ..] if [s0, s1] != [&0, &0] && [d0, d1] != [&0, &0])
}

/// Unpacks a payload (zlib, RFC 1950); `None` when it is none, or unpacks to more than a datagram holds.
pub fn inflate(packed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    ZlibDecoder::new(packed).take(MOST_UNPACKED + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= MOST_UNPACKED).then_some(bytes)
}

/// What an agent says of a packet.
#[derive(Default)]
struct Said<'a> {
    protocol: u8,
    src: [u8; 16],
    dst: [u8; 16],
    v6: bool,
    ports: [u16; 2],
    seconds: Option<u32>,
    micros: u32,
    id: Option<u32>,
    correlation: &'a [u8],
    payload: Option<&'a [u8]>,
    deflated: bool,
}

/// Reads version 3; [`probe`] was true. Chunks of other vendors and unknown types are stepped over.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Decoded<'a> {
    let Some([_, _, _, _, l0, l1]) = layers.rest.take::<HEAD>() else {
        return cut_header("hep").into();
    };
    let len = usize::from(u16::from_be_bytes([l0, l1])).saturating_sub(HEAD);
    let mut rest = layers.rest.bytes();
    rest = rest.get(..len).unwrap_or(rest);
    let mut said = Said::default();
    while let Some((&[v0, v1, t0, t1, l0, l1], _)) = rest.split_first_chunk::<CHUNK>() {
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        if len < CHUNK {
            return Undecoded::new("hep", "chunk shorter than its header").into();
        }
        let value = rest.get(CHUNK..len).unwrap_or(rest.get(CHUNK..).unwrap_or_default());
        if [v0, v1] == [0, 0] {
            said.chunk(u16::from_be_bytes([t0, t1]), value);
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    finish(layers, &said)
}

/// Reads versions 1 and 2; [`probe_old`] was true. The time of version 2 is in the byte order of the agent: the one in which its
/// microseconds are below a million.
pub fn open_old<'a>(layers: &mut Layers<'a, '_>) -> Decoded<'a> {
    let Some([version, _, family, protocol, s0, s1, d0, d1]) = layers.rest.take::<8>() else {
        return cut_header("hep").into();
    };
    let ports = [u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])];
    let mut said = Said { protocol, ports, v6: family == 10, ..Said::default() };
    let addresses = match said.v6 {
        false => layers.rest.take::<4>().map(v4).zip(layers.rest.take::<4>().map(v4)),
        true => layers.rest.take::<16>().zip(layers.rest.take::<16>()),
    };
    let Some((src, dst)) = addresses else { return cut_header("hep").into() };
    (said.src, said.dst) = (src, dst);
    if version == 2 {
        let Some([s0, s1, s2, s3, u0, u1, u2, u3, i0, i1, _, _]) = layers.rest.take::<12>() else {
            return cut_header("hep").into();
        };
        let (seconds, micros, id) = ([s0, s1, s2, s3], [u0, u1, u2, u3], [i0, i1]);
        let little = u32::from_le_bytes(micros) < 1_000_000;
        said.seconds = Some(if little { u32::from_le_bytes(seconds) } else { u32::from_be_bytes(seconds) });
        said.micros = if little { u32::from_le_bytes(micros) } else { u32::from_be_bytes(micros) };
        said.id = Some(u32::from(if little { u16::from_le_bytes(id) } else { u16::from_be_bytes(id) }));
    }
    said.payload = Some(layers.rest.bytes());
    finish(layers, &said)
}

fn v4([a, b, c, d]: [u8; 4]) -> [u8; 16] {
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

impl<'a> Said<'a> {
    fn chunk(&mut self, kind: u16, value: &'a [u8]) {
        let number = || value.iter().take(4).fold(0u32, |n, byte| n << 8 | u32::from(*byte));
        let address = || {
            let mut bytes = [0; 16];
            bytes.iter_mut().zip(value).for_each(|(slot, byte)| *slot = *byte);
            bytes
        };
        let [src_port, dst_port] = &mut self.ports;
        match kind {
            0x01 => self.v6 = number() == 10,
            0x02 => self.protocol = number() as u8,
            0x03 | 0x05 => self.src = address(),
            0x04 | 0x06 => self.dst = address(),
            0x07 => *src_port = number() as u16,
            0x08 => *dst_port = number() as u16,
            0x09 => self.seconds = Some(number()),
            0x0a => self.micros = number(),
            0x0c => self.id = Some(number()),
            0x0f => self.payload = Some(value),
            0x10 => (self.payload, self.deflated) = (Some(value), true),
            0x11 => self.correlation = value,
            _ => {}
        }
    }
}

fn finish<'a>(layers: &mut Layers<'a, '_>, said: &Said<'a>) -> Decoded<'a> {
    let Some(payload) = said.payload else {
        return Undecoded::new("hep", "no payload").into();
    };
    layers.mirror(MirrorKind::Hep, said.id);
    let at = said.seconds.map(|s| Timestamp(i64::from(s) * 1_000_000_000 + i64::from(said.micros) * 1_000));
    let correlation = (!said.correlation.is_empty()).then(|| said.correlation.into());
    layers.outer.agent = Some(Box::new(Agent { at, correlation, pdu: None }));
    let first = |bytes: [u8; 16]| <[u8; 4]>::try_from(bytes.get(..4).unwrap_or_default()).unwrap_or_default();
    let ends = if said.v6 { Ends::V6(said.src, said.dst) } else { Ends::V4(first(said.src), first(said.dst)) };
    let protocol = if said.protocol == flow_key::TCP { flow_key::TCP } else { flow_key::UDP };
    let [src, dst] = said.ports;
    let (flow, dir) = ends.flow(src, dst, protocol);
    // Link layer, time to live and code point are those of the agent's way here, and say nothing of the packet's.
    let transport = Transport { link: super::Link::default(), flow, dir, tcp: None, payload, cut: layers.rest.cut() };
    if said.deflated { Decoded::Deflated(transport) } else { Decoded::Transport(transport) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::{hex, ipv4, read, read_all, refusal, transport, udp_to, way};
    use crate::record::LinkType;

    fn chunk(kind: u16, value: &[u8]) -> Vec<u8> {
        [&[0, 0][..], &kind.to_be_bytes(), &(6 + value.len() as u16).to_be_bytes(), value].concat()
    }

    fn hep3(chunks: &[Vec<u8>]) -> Vec<u8> {
        let body = chunks.concat();
        ipv4(17, &udp_to(9060, &[&b"HEP3"[..], &(6 + body.len() as u16).to_be_bytes(), &body].concat()))
    }

    fn addressed(family: u8, protocol: u8, src: &[u8], dst: &[u8]) -> Vec<Vec<u8>> {
        let from = if family == 2 { 3 } else { 5 };
        let ports = [chunk(7, &5060u16.to_be_bytes()), chunk(8, &5080u16.to_be_bytes())];
        let time = [chunk(9, &1_700_000_000u32.to_be_bytes()), chunk(10, &250_000u32.to_be_bytes()), chunk(12, &2001u32.to_be_bytes())];
        let head = [chunk(1, &[family]), chunk(2, &[protocol]), chunk(from, src), chunk(from + 1, dst)];
        head.into_iter().chain(ports).chain(time).collect()
    }

    #[test]
    fn version_three_has_its_own_addresses_time_and_correlation() {
        let chunks = [addressed(2, 17, &[10, 0, 0, 1], &[10, 0, 0, 2]), vec![chunk(17, b"call-1"), chunk(15, b"OPTIONS")]].concat();
        let packet = hep3(&chunks);
        let (decoded, outer) = read_all(LinkType::RAW, &packet, 0);
        let packet = transport(decoded);
        assert_eq!((way(&packet).as_str(), packet.payload), ("10.0.0.1:5060 > 10.0.0.2:5080", &b"OPTIONS"[..]));
        let agent = outer.agent.unwrap();
        assert_eq!((agent.at, agent.correlation.as_deref()), (Some(Timestamp(1_700_000_000_250_000_000)), Some(&b"call-1"[..])));
        assert_eq!(outer.tap.mirror[0].to_string(), "hep agent 2001, 192.0.2.1 and 192.0.2.2");
    }

    #[test]
    fn version_three_over_ipv6_and_of_tcp() {
        let (mut src, mut dst) = ([0; 16], [0; 16]);
        (src[15], dst[15]) = (1, 2);
        let packet = hep3(&[addressed(10, 6, &src, &dst), vec![chunk(15, b"OPTIONS")]].concat());
        let packet = transport(read(LinkType::RAW, &packet).0);
        assert_eq!((way(&packet).as_str(), packet.flow.protocol(), packet.tcp), ("[::1]:5060 > [::2]:5080", 6, None));
    }

    #[test]
    fn compressed_payload_is_told_apart_and_unpacks() {
        let pack = |bytes: &[u8]| {
            let mut packed = Vec::new();
            flate2::read::ZlibEncoder::new(bytes, flate2::Compression::fast()).read_to_end(&mut packed).unwrap();
            packed
        };
        let packed = pack(b"OPTIONS sip:a SIP/2.0");
        let packet = hep3(&[addressed(2, 17, &[10, 0, 0, 1], &[10, 0, 0, 2]), vec![chunk(16, &packed)]].concat());
        let Decoded::Deflated(transport) = read(LinkType::RAW, &packet).0 else { panic!("not compressed") };
        assert_eq!(inflate(transport.payload).unwrap(), b"OPTIONS sip:a SIP/2.0");
        assert_eq!((inflate(b"no zlib at all"), inflate(&pack(&[0; 100_000]))), (None, None));
    }

    #[test]
    fn versions_one_and_two_are_read_in_either_byte_order() {
        let head = "10 02 11 13c4 13d8 0a000001 0a000002";
        let one = ipv4(17, &udp_to(9060, &[hex(&format!("01 {head}")), b"OPTIONS".to_vec()].concat()));
        assert_eq!(way(&transport(read(LinkType::RAW, &one).0)), "10.0.0.1:5060 > 10.0.0.2:5080");
        let kamailio = [hex(&format!("02 8b {}", &head[3..])), hex("00f15365 90d00300 d107 0d69"), b"OPTIONS".to_vec()].concat();
        assert_eq!(transport(read(LinkType::RAW, &ipv4(17, &udp_to(9060, &kamailio))).0).payload, b"OPTIONS");
        for time in ["00f15365 90d00300 d107 0000", "6553f100 0003d090 07d1 0000"] {
            let two = ipv4(17, &udp_to(9060, &[hex(&format!("02 {head} {time}")), b"OPTIONS".to_vec()].concat()));
            let (decoded, outer) = read_all(LinkType::RAW, &two, 0);
            assert_eq!(transport(decoded).payload, b"OPTIONS");
            assert_eq!(
                (outer.agent.unwrap().at, outer.tap.mirror[0].id),
                (Some(Timestamp(1_700_000_000_250_000_000)), Some(2001)),
                "{time}"
            );
        }
    }

    #[test]
    fn chunks_that_lie_end_the_reading() {
        let short = ipv4(17, &udp_to(9060, &[&b"HEP3"[..], &hex("000c 0000 0001 0000")].concat()));
        assert_eq!(refusal(read(LinkType::RAW, &short).0), "hep: chunk shorter than its header");
        assert_eq!(refusal(read(LinkType::RAW, &hep3(&[chunk(1, &[2])])).0), "hep: no payload");
        assert_eq!(refusal(read(LinkType::RAW, &ipv4(17, &udp_to(9060, b"HEP3"))).0), "hep: header is cut");
    }
}
