//! Frames: Ethernet, VLAN tags, IPv4 or IPv6, UDP or TCP, with lengths and checksums as they must be.

use super::facts::Facts;
use std::net::{IpAddr, SocketAddr};

/// What a frame carries above IP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A UDP datagram.
    Udp(Vec<u8>),
    /// A TCP segment.
    Tcp {
        /// Flags as TCP numbers them.
        flags: u8,
        /// Sequence number.
        seq: u32,
        /// Acknowledgement number.
        ack: u32,
        /// Payload.
        payload: Vec<u8>,
    },
}

/// The bytes of one frame. `id` is the IPv4 identification.
pub fn frame(src: SocketAddr, dst: SocketAddr, id: u16, segment: &Segment, facts: &Facts) -> Vec<u8> {
    let src = facts.src.map_or(src, |rewrite| rewrite.apply(src));
    let dst = facts.dst.map_or(dst, |rewrite| rewrite.apply(dst));
    let mut bytes = Vec::new();
    bytes.extend(facts.dmac.unwrap_or_else(|| mac(dst.ip())));
    bytes.extend(facts.smac.unwrap_or_else(|| mac(src.ip())));
    let tags = facts.vlan.as_deref().unwrap_or_default();
    for (index, tag) in tags.iter().enumerate() {
        // The outer of two tags is a service tag (IEEE 802.1ad).
        bytes.extend(if index + 1 < tags.len() { [0x88, 0xa8] } else { [0x81, 0x00] });
        bytes.extend(tag.to_be_bytes());
    }
    let packet = packet(src, dst, id, segment, facts);
    if let Some([from, to]) = facts.gre {
        bytes.extend([0x08, 0x00]);
        bytes.extend(ipv4(from.octets(), to.octets(), [64, 0, 47], id, 2 + packet.len()));
        // No checksum, key or sequence number (RFC 2784).
        bytes.extend([0, 0]);
    }
    bytes.extend(packet);
    bytes
}

/// EtherType and IP packet.
fn packet(src: SocketAddr, dst: SocketAddr, id: u16, segment: &Segment, facts: &Facts) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (protocol, transport) = transport(src, dst, segment);
    let (ttl, dscp) = (facts.ttl.unwrap_or(64), facts.dscp.unwrap_or(0));
    match (src.ip(), dst.ip()) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            bytes.extend([0x08, 0x00]);
            bytes.extend(ipv4(src.octets(), dst.octets(), [ttl, dscp, protocol], id, transport.len()));
        }
        (src, dst) => {
            bytes.extend([0x86, 0xdd, 0x60 | (dscp >> 2), dscp << 6, 0, 0]);
            bytes.extend(length(transport.len()));
            bytes.extend([protocol, ttl]);
            bytes.extend(octets(src));
            bytes.extend(octets(dst));
        }
    }
    bytes.extend(transport);
    bytes
}

/// A locally administered MAC made from the address.
fn mac(ip: IpAddr) -> [u8; 6] {
    let octets = octets(ip);
    let mut mac = [0x02, 0, 0, 0, 0, 0];
    mac[2..].copy_from_slice(&octets[octets.len() - 4..]);
    mac
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).expect("a ladder's message fits in one packet").to_be_bytes()
}

fn ipv4(src: [u8; 4], dst: [u8; 4], [ttl, dscp, protocol]: [u8; 3], id: u16, payload: usize) -> Vec<u8> {
    let mut header = vec![0x45, dscp << 2];
    header.extend(length(20 + payload));
    header.extend(id.to_be_bytes());
    header.extend([0x40, 0, ttl, protocol, 0, 0]);
    header.extend(src);
    header.extend(dst);
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

fn transport(src: SocketAddr, dst: SocketAddr, segment: &Segment) -> (u8, Vec<u8>) {
    let mut bytes = Vec::new();
    bytes.extend(src.port().to_be_bytes());
    bytes.extend(dst.port().to_be_bytes());
    let (protocol, at) = match segment {
        Segment::Udp(payload) => {
            bytes.extend(length(8 + payload.len()));
            bytes.extend([0, 0]);
            bytes.extend(payload);
            (17, 6)
        }
        Segment::Tcp { flags, seq, ack, payload } => {
            bytes.extend(seq.to_be_bytes());
            bytes.extend(ack.to_be_bytes());
            // A SYN says the largest segment it takes (RFC 9293 section 3.7.1).
            let options: &[u8] = if flags & 0x02 != 0 { &[2, 4, 0x05, 0xb4] } else { &[] };
            let words = u8::try_from(5 + options.len() / 4).unwrap_or(5);
            bytes.extend([words << 4, *flags, 0xff, 0xff, 0, 0, 0, 0]);
            bytes.extend(options);
            bytes.extend(payload);
            (6, 16)
        }
    };
    let mut summed = octets(src.ip());
    summed.extend(octets(dst.ip()));
    summed.extend([0, protocol]);
    summed.extend(length(bytes.len()));
    summed.extend(&bytes);
    let sum = match checksum(&summed) {
        0 if protocol == 17 => 0xffff,
        sum => sum,
    };
    bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    (protocol, bytes)
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or(0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_rfc_1071_comes_out() {
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn tags_stand_outer_first() {
        let facts = Facts { vlan: Some(vec![400, 1201]), ttl: Some(9), ..Facts::default() };
        let bytes = frame("10.0.0.1:1".parse().unwrap(), "10.0.0.2:2".parse().unwrap(), 7, &Segment::Udp(vec![1, 2, 3]), &facts);
        assert_eq!(bytes[12..22], [0x88, 0xa8, 0x01, 0x90, 0x81, 0x00, 0x04, 0xb1, 0x08, 0x00]);
        assert_eq!((bytes[30], bytes.len()), (9, 22 + 20 + 8 + 3));
        assert_eq!(checksum(&bytes[22..42]), 0);
    }
}
