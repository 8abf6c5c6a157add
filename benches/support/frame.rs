//! Bytes around the payload: the pcap file header, record header, Ethernet, 802.1Q, IPv4 and UDP.

use std::net::SocketAddrV4;

/// The header of a little-endian pcap file of Ethernet frames with times in µs.
pub fn header() -> Vec<u8> {
    let words: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Fills `record` with one record of the file: a UDP datagram seen at `at` (µs since 1970) behind the IPv4 header `ip`.
pub fn record(record: &mut Vec<u8>, at: u64, vlan: Option<u16>, ip: &[u8; 20], ports: (u16, u16), payload: &[u8]) {
    let tag = if vlan.is_some() { 4 } else { 0 };
    let length = (14 + tag + 20 + 8 + payload.len()) as u32;
    record.clear();
    for word in [(at / 1_000_000) as u32, (at % 1_000_000) as u32, length, length] {
        record.extend(word.to_le_bytes());
    }
    let outbound = ip[12..16] < ip[16..];
    for end in [outbound, !outbound] {
        record.extend([0x00, 0x00, 0x5e, 0x00, 0x53, if end { 2 } else { 1 }]); // RFC 7042 section 2.1.2
    }
    if let Some(vlan) = vlan {
        record.extend([0x81, 0x00]);
        record.extend((vlan & 0x0fff).to_be_bytes());
    }
    record.extend([0x08, 0x00]);
    record.extend(ip);
    for word in [ports.0, ports.1, payload.len() as u16 + 8, 0] {
        record.extend(word.to_be_bytes()); // a UDP checksum of 0 says that none was made
    }
    record.extend_from_slice(payload);
}

/// The IPv4 header of a UDP datagram with `payload` octets.
pub fn ipv4(src: SocketAddrV4, dst: SocketAddrV4, tos: u8, id: u16, payload: usize) -> [u8; 20] {
    let mut header = [0; 20];
    header[..2].copy_from_slice(&[0x45, tos]);
    header[2..4].copy_from_slice(&(payload as u16 + 28).to_be_bytes());
    header[4..6].copy_from_slice(&id.to_be_bytes());
    header[6..10].copy_from_slice(&[0x40, 0, 62, 17]); // don't fragment, TTL 62, UDP
    header[12..16].copy_from_slice(&src.ip().octets());
    header[16..].copy_from_slice(&dst.ip().octets());
    let mut sum: u32 = header.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    header[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    header
}
