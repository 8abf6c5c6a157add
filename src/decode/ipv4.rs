//! IPv4 (RFC 791), options included.

use super::layers::{Ends, Layers, cut_header};
use super::{Decoded, Fragment, Step, protocol};
use crate::error::Undecoded;
use etherparse::Ipv4HeaderSlice;
use etherparse::err::ipv4::{HeaderError, HeaderSliceError};

/// Reads addresses, TTL and DSCP. The total length parts payload from padding; 0 means that the capturing host left segmentation
/// to its network card, and the frame is the length.
#[inline]
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let header = Ipv4HeaderSlice::from_slice(layers.rest.bytes()).map_err(refuse)?;
    let header_len = header.slice().len();
    match usize::from(header.total_len()) {
        0 => {}
        short if short < header_len => return Err(Undecoded::new("ipv4", "total length below header length").into()),
        total => layers.rest.limit(total),
    }
    layers.rest.skip(header_len);
    layers.link.ttl = header.ttl();
    layers.link.dscp = header.dcp().value();
    layers.ends = Ends::V4(header.source(), header.destination());
    if header.is_fragmenting_payload() {
        return Err(Decoded::Fragment(Fragment {
            key: layers.ends.fragment_key(u32::from(header.identification()), header.protocol().0),
            link: layers.link,
            offset: u32::from(header.fragments_offset().value()) * 8,
            more: header.more_fragments(),
            payload: layers.rest.bytes(),
            cut: layers.rest.cut(),
        }));
    }
    protocol(header.protocol().0, false)
}

fn refuse(error: HeaderSliceError) -> Undecoded {
    match error {
        HeaderSliceError::Len(_) => cut_header("ipv4"),
        HeaderSliceError::Content(HeaderError::UnexpectedVersion { .. }) => Undecoded::new("ipv4", "version is not 4"),
        HeaderSliceError::Content(HeaderError::HeaderLengthSmallerThanHeader { .. }) => Undecoded::new("ipv4", "header length below 20"),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{hex, ipv4, read, read_cut, refusal, transport, udp, way};
    use crate::decode::{Decoded, FragmentKey};
    use crate::ledger::Kind;
    use crate::record::LinkType;

    #[test]
    fn ttl_and_code_point_are_read_and_options_stepped_over() {
        // IHL 6: a router alert option (RFC 2113), traffic class b8 = EF, TTL 17, bad checksum.
        let mut packet = hex("46b8 0021 0001 4000 11 11 dead c0000201 c0000202 94040000");
        packet.extend(udp(b"x"));
        let packet = transport(read(LinkType::IPV4, &packet).0);
        assert_eq!((packet.link.ttl, packet.link.dscp, packet.payload), (17, 46, &b"x"[..]));
        assert_eq!(way(&packet), "192.0.2.1:5060 > 192.0.2.2:5062");
    }

    #[test]
    fn fragments_keep_identity_offset_and_what_was_cut() {
        // More fragments, offset 185 units; total length 28 of which 3 bytes were not captured.
        let packet = hex("4500 001c beef 20b9 40 11 0000 c0000201 c0000202 0102030405");
        let Decoded::Fragment(fragment) = read_cut(LinkType::IPV4, &packet, 3).0 else { panic!("not a fragment") };
        let key = FragmentKey { src: "192.0.2.1".parse().unwrap(), dst: "192.0.2.2".parse().unwrap(), id: 0xbeef, protocol: 17 };
        assert_eq!((fragment.key, fragment.offset, fragment.more), (key, 1480, true));
        assert_eq!((fragment.payload, fragment.cut, fragment.link.ttl), (&[1, 2, 3, 4, 5][..], 3, 64));
    }

    #[test]
    fn total_length_of_zero_is_what_is_there() {
        let mut packet = ipv4(17, &udp(b"offloaded"));
        packet[2..4].fill(0);
        let packet_read = transport(read(LinkType::IPV4, &packet).0);
        assert_eq!((packet_read.payload, packet_read.cut), (&b"offloaded"[..], 0));
        // With a UDP length of 0 too, what snaplen took is known from the frame.
        packet[24..26].fill(0);
        assert_eq!(transport(read_cut(LinkType::IPV4, &packet, 7).0).cut, 7);
    }

    #[test]
    fn damaged_headers_say_what_is_wrong() {
        let packet = ipv4(17, &udp(b"x"));
        let damaged = |at: usize, value: u8| {
            let mut packet = packet.clone();
            packet[at] = value;
            refusal(read(LinkType::IPV4, &packet).0)
        };
        assert_eq!(damaged(0, 0x55), "ipv4: version is not 4");
        assert_eq!(damaged(0, 0x44), "ipv4: header length below 20");
        assert_eq!(damaged(0, 0x4f), "ipv4: header is cut");
        assert_eq!(damaged(3, 19), "ipv4: total length below header length");
        assert_eq!(refusal(read(LinkType::IPV4, &packet[..19]).0), "ipv4: header is cut");
    }

    #[test]
    fn protocols_are_told_apart() {
        let read_as = |protocol: u8| match read(LinkType::IPV4, &ipv4(protocol, &[0; 40])).0 {
            Decoded::Other(kind) => kind.name().to_string(),
            Decoded::Undecoded(why) => format!("{}: {}", why.layer, why.reason),
            _ => "transport".to_string(),
        };
        // IGMP, ESP, OSPF, PIM, VRRP, UDP-Lite, and numbers that mean something in IPv6 only.
        for number in [2, 50, 89, 103, 112, 136, 0, 43, 44, 60] {
            assert_eq!(read_as(number), Kind::OtherIp.name(), "{number}");
        }
        assert_eq!((read_as(1).as_str(), read_as(58).as_str(), read_as(132).as_str()), ("icmp", "icmp", "transport"));
        for (number, layer) in [(97, "etherip"), (115, "l2tpv3")] {
            assert_eq!(read_as(number), format!("{layer}: not decoded yet"));
        }
    }
}
