//! STUN attributes (RFC 8489 section 14): type, length and value, and the two forms of an address.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where the sender of a request was seen; the relay's address in [MS-TURN].
pub const MAPPED_ADDRESS: u16 = 0x0001;
pub const USERNAME: u16 = 0x0006;
pub const ERROR_CODE: u16 = 0x0009;
pub const CHANNEL_NUMBER: u16 = 0x000c;
pub const LIFETIME: u16 = 0x000d;
/// Where data go, in [MS-TURN] only.
pub const DESTINATION_ADDRESS: u16 = 0x0011;
/// The far side of a relay; in [MS-TURN] not XORed.
pub const XOR_PEER_ADDRESS: u16 = 0x0012;
pub const DATA: u16 = 0x0013;
pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
pub const PRIORITY: u16 = 0x0024;
pub const USE_CANDIDATE: u16 = 0x0025;
/// The number that XOR-MAPPED-ADDRESS had in drafts and has in [MS-TURN].
pub const OLD_XOR_MAPPED_ADDRESS: u16 = 0x8020;
pub const SOFTWARE: u16 = 0x8022;
pub const FINGERPRINT: u16 = 0x8028;
pub const ICE_CONTROLLED: u16 = 0x8029;
pub const ICE_CONTROLLING: u16 = 0x802a;

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type.
    pub kind: u16,
    /// Its value without padding.
    pub value: &'a [u8],
}

/// The first attribute of `bytes`, and what follows it; `None` at the end, and where its length lies. `padded`: values are filled up to
/// whole words, though padding may be missing at the end.
pub fn split(bytes: &[u8], padded: bool) -> Option<(Attribute<'_>, &[u8])> {
    let (&[k0, k1, l0, l1], rest) = bytes.split_first_chunk::<4>()?;
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    let value = rest.get(..len)?;
    let next = rest.get(if padded { len.next_multiple_of(4) } else { len }..).unwrap_or_default();
    Some((Attribute { kind: u16::from_be_bytes([k0, k1]), value }, next))
}

/// How an address is hidden from gateways that rewrite what looks like one.
#[derive(Debug, Clone, Copy)]
pub enum Cipher<'a> {
    /// Not at all.
    None,
    /// XORed with cookie and transaction id (section 14.2).
    Xor(&'a [u8; 16]),
}

/// An address attribute: a zero octet, family, port and address (sections 14.1 and 14.2).
pub fn address(value: &[u8], cipher: Cipher<'_>) -> Option<SocketAddr> {
    let zero = [0; 16];
    let key = match cipher {
        Cipher::None => &zero,
        Cipher::Xor(key) => key,
    };
    let (&[_, family, p0, p1], rest) = value.split_first_chunk::<4>()?;
    let &[x0, x1, ..] = key;
    let port = u16::from_be_bytes([p0 ^ x0, p1 ^ x1]);
    match family {
        1 => Some(SocketAddr::new(Ipv4Addr::from(xored(rest.first_chunk::<4>()?, key)).into(), port)),
        2 => Some(SocketAddr::new(Ipv6Addr::from(xored(rest.first_chunk::<16>()?, key)).into(), port)),
        _ => None,
    }
}

fn xored<const N: usize>(bytes: &[u8; N], key: &[u8; 16]) -> [u8; N] {
    let mut plain = *bytes;
    plain.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    plain
}
