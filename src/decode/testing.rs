//! What the tests of layers share: bytes from hexadecimal text, and a record around them.

use super::{Decoded, Outer, TapKey, Transport, open};
use crate::record::{InterfaceId, LinkType, Record, RecordId, Seq};
use crate::time::Timestamp;

/// Bytes of hexadecimal digits; blanks are for the reader.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap() as u8).collect();
    assert!(digits.len().is_multiple_of(2), "odd number of digits");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Opens `bytes` as a frame that was `cut` bytes longer on the wire.
pub fn read_cut(link: LinkType, bytes: &[u8], cut: u32) -> (Decoded<'_>, TapKey) {
    let (decoded, outer) = read_all(link, bytes, cut);
    (decoded, outer.tap)
}

/// [`read_cut`] with all that stood around the packet.
pub fn read_all(link: LinkType, bytes: &[u8], cut: u32) -> (Decoded<'_>, Outer) {
    let stale = TapKey { interface: InterfaceId(9), ifindex: Some(9), vlan: [9, 9].into_iter().collect(), ..TapKey::default() };
    let mut outer = Outer { tap: stale, ..Outer::default() };
    let record = Record {
        id: RecordId { input: 0, number: 1 },
        seq: Seq(0),
        at: Timestamp(0),
        clock: Timestamp(0),
        interface: InterfaceId(3),
        link,
        wire_len: bytes.len() as u32 + cut,
        bytes,
    };
    let decoded = open(&record, &mut outer);
    assert_eq!(outer.tap.interface, InterfaceId(3));
    (decoded, outer)
}

/// Opens `bytes` as a frame captured whole.
pub fn read(link: LinkType, bytes: &[u8]) -> (Decoded<'_>, TapKey) {
    read_cut(link, bytes, 0)
}

/// The transport header that a frame must hold.
pub fn transport(decoded: Decoded<'_>) -> Transport<'_> {
    match decoded {
        Decoded::Transport(transport) => transport,
        other => panic!("no transport header: {other:?}"),
    }
}

/// `"<layer>: <reason>"` of a frame that must not be readable.
pub fn refusal(decoded: Decoded<'_>) -> String {
    match decoded {
        Decoded::Undecoded(why) => format!("{}: {}", why.layer, why.reason),
        other => panic!("readable: {other:?}"),
    }
}

/// `src > dst` of a transport header.
pub fn way(transport: &Transport<'_>) -> String {
    let (src, dst) = transport.flow.from_to(transport.dir);
    format!("{src} > {dst}")
}

/// IPv4 (RFC 791) from 192.0.2.1 to 192.0.2.2, TTL 64, DSCP 46, with `protocol` and `payload`.
pub fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = hex("45b8 0000 1234 0000 40 00 0000 c0000201 c0000202");
    packet[2..4].copy_from_slice(&(20 + payload.len() as u16).to_be_bytes());
    packet[9] = protocol;
    packet.extend(payload);
    packet
}

/// IPv6 (RFC 8200) from 2001:db8::1 to 2001:db8::2, hop limit 63, DSCP 46, with `next_header` and `payload`.
pub fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = hex("6b800000 0000 00 3f 20010db8000000000000000000000001 20010db8000000000000000000000002");
    packet[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    packet[6] = next_header;
    packet.extend(payload);
    packet
}

/// UDP (RFC 768) from port 5060 to 5062 with `payload`.
pub fn udp(payload: &[u8]) -> Vec<u8> {
    let mut datagram = hex("13c4 13c6 0000 0000");
    datagram[4..6].copy_from_slice(&(8 + payload.len() as u16).to_be_bytes());
    datagram.extend(payload);
    datagram
}

/// UDP from port 5060 to `port` with `payload`.
pub fn udp_to(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = udp(payload);
    datagram[2..4].copy_from_slice(&port.to_be_bytes());
    datagram
}

/// Ethernet II from 02:00:00:00:00:01 to 02:00:00:00:00:02 with `ether_type` and `payload`.
pub fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = hex("020000000002 020000000001");
    frame.extend(ether_type.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Numbers that look like chance and are the same in every run (xorshift).
pub fn random() -> impl FnMut() -> usize {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    }
}
