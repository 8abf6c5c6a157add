//! UDP (RFC 768), and which tunnel is in it: by port, and by what the payload must look like there.

use super::layers::{Layers, cut_header};
use super::{Decoded, Next, Step, Transport, flow_key, geneve, gtp, hep, l2tp, vxlan};
use crate::error::Undecoded;
use etherparse::UdpHeaderSlice;

const LEN: usize = 8;

/// Reads ports and length. A length of 0 or beyond the datagram says nothing, and the datagram is the length; beyond a datagram
/// that is itself incomplete, it tells how much is missing.
#[inline]
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let mut rest = layers.rest;
    let Ok(header) = UdpHeaderSlice::from_slice(rest.bytes()) else {
        return Err(cut_header("udp").into());
    };
    match usize::from(header.length()) {
        0 => {}
        1..LEN => return Err(Undecoded::new("udp", "length below 8").into()),
        beyond if beyond > rest.wire_len() && rest.cut() == 0 => {}
        len => rest.limit(len),
    }
    rest.skip(LEN);
    let (src, dst) = (header.source_port(), header.destination_port());
    if let Some(tunnel) = tunnel(src, dst, rest.bytes(), rest.cut()) {
        layers.rest = rest;
        return Ok(tunnel);
    }
    let (flow, dir) = layers.ends.flow(src, dst, flow_key::UDP);
    Err(Decoded::Transport(Transport { link: layers.link, flow, dir, tcp: None, payload: rest.bytes(), cut: rest.cut() }))
}

/// The tunnel in a datagram. A port alone says nothing: media may be sent to any.
#[inline]
fn tunnel(src: u16, dst: u16, payload: &[u8], cut: u32) -> Option<Next> {
    // RTP begins so, and of the tunnels only VXLAN with a group id.
    if matches!(payload.first(), Some(0x80..=0xbf)) && !vxlan::PORTS.contains(&dst) {
        return None;
    }
    match dst {
        _ if hep::probe(payload) => Some(Next::Hep),
        _ if vxlan::PORTS.contains(&dst) && vxlan::probe(payload) => Some(Next::Vxlan),
        vxlan::GPE_PORT if vxlan::probe_gpe(payload) => Some(Next::VxlanGpe),
        geneve::PORT if geneve::probe(payload) => Some(Next::Geneve),
        _ if (dst == gtp::PORT || src == gtp::PORT) && gtp::probe(payload, cut) => Some(Next::Gtp),
        _ if (dst == l2tp::PORT || src == l2tp::PORT) && l2tp::probe(payload) => Some(Next::L2tp),
        _ if hep::PORTS.contains(&dst) && hep::probe_old(payload) => Some(Next::HepOld),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{ipv4, read, read_cut, refusal, transport, udp, way};
    use crate::decode::{Dir, FragmentKey, Link, Outer, open_datagram};
    use crate::record::LinkType;

    #[test]
    fn ports_and_payload_are_read() {
        let packet = ipv4(17, &udp(b"OPTIONS"));
        let packet = transport(read(LinkType::RAW, &packet).0);
        assert_eq!((way(&packet).as_str(), packet.dir), ("192.0.2.1:5060 > 192.0.2.2:5062", Dir::Up));
        assert_eq!((packet.payload, packet.cut, packet.tcp, packet.flow.protocol()), (&b"OPTIONS"[..], 0, None, 17));
    }

    #[test]
    fn length_short_of_the_datagram_ends_the_payload() {
        let mut datagram = udp(b"0123456789");
        datagram[5] = 8 + 4;
        assert_eq!(transport(read(LinkType::RAW, &ipv4(17, &datagram)).0).payload, b"0123");
        datagram[5] = 8;
        assert_eq!(transport(read(LinkType::RAW, &ipv4(17, &datagram)).0).payload, b"");
        datagram[5] = 7;
        assert_eq!(refusal(read(LinkType::RAW, &ipv4(17, &datagram)).0), "udp: length below 8");
    }

    #[test]
    fn length_of_zero_or_beyond_the_datagram_is_what_is_there() {
        for length in [0u16, 19, 65535] {
            let mut datagram = udp(b"0123456789");
            datagram[4..6].copy_from_slice(&length.to_be_bytes());
            let packet = ipv4(17, &datagram);
            let packet = transport(read(LinkType::RAW, &packet).0);
            assert_eq!((packet.payload, packet.cut), (&b"0123456789"[..], 0));
        }
    }

    #[test]
    fn snaplen_takes_payload_then_the_header() {
        let whole = ipv4(17, &udp(b"0123456789"));
        for cut in 0..=10 {
            let packet = transport(read_cut(LinkType::RAW, &whole[..whole.len() - cut], cut as u32).0);
            assert_eq!((packet.payload.len() + cut, packet.cut), (10, cut as u32));
        }
        assert_eq!(refusal(read_cut(LinkType::RAW, &whole[..27], 11).0), "udp: header is cut");
    }

    #[test]
    fn length_tells_how_much_of_an_incomplete_datagram_is_missing() {
        let whole = udp(&[b'x'; 2000]);
        let key = FragmentKey { src: "192.0.2.1".parse().unwrap(), dst: "192.0.2.2".parse().unwrap(), id: 1, protocol: 17 };
        let packet = transport(open_datagram(&key, Link::default(), &whole[..1480], 1, &mut Outer::default()));
        assert_eq!((packet.payload.len(), packet.cut), (1472, 528));
    }
}
