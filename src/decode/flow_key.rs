//! Packed transport 5-tuples: 16 bytes for IPv4, 40 for IPv6, lower endpoint first, so that both directions share one key.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// IP protocol number of TCP.
pub const TCP: u8 = 6;
/// IP protocol number of UDP.
pub const UDP: u8 = 17;
/// IP protocol number of SCTP.
pub const SCTP: u8 = 132;

/// Which way a packet goes through its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Dir {
    /// From the lower endpoint to the higher.
    Up = 0,
    /// From the higher endpoint to the lower.
    Down = 1,
}

impl Dir {
    /// The other way.
    pub fn reverse(self) -> Self {
        match self {
            Dir::Up => Dir::Down,
            Dir::Down => Dir::Up,
        }
    }
    /// 0 for up, 1 for down.
    pub fn index(self) -> usize {
        self as usize
    }
}

/// A bidirectional transport 5-tuple. IPv4: two addresses, two ports, protocol, three zero bytes; IPv6 likewise.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlowKey {
    /// `a[0..4] b[4..8] port a[8..10] port b[10..12] protocol[12]`
    V4([u8; 16]),
    /// `a[0..16] b[16..32] port a[32..34] port b[34..36] protocol[36]`
    V6([u8; 40]),
}

impl FlowKey {
    /// The key of a packet from `src` to `dst`, and which way through it the packet goes. Both addresses must be of one family;
    /// a mixed pair is keyed as IPv6 with mapped addresses.
    pub fn new(src: SocketAddr, dst: SocketAddr, protocol: u8) -> (Self, Dir) {
        match (src.ip(), dst.ip()) {
            (IpAddr::V4(s), IpAddr::V4(d)) => Self::v4(s.octets(), src.port(), d.octets(), dst.port(), protocol),
            (s, d) => Self::v6(octets(s), src.port(), octets(d), dst.port(), protocol),
        }
    }

    /// [`FlowKey::new`] for IPv4 parts.
    #[inline]
    pub fn v4(src: [u8; 4], src_port: u16, dst: [u8; 4], dst_port: u16, protocol: u8) -> (Self, Dir) {
        let (words, dir) = Words::of(src, src_port, dst, dst_port, protocol);
        (words.key(), dir)
    }

    /// [`FlowKey::new`] for IPv6 parts.
    #[inline]
    pub fn v6(src: [u8; 16], src_port: u16, dst: [u8; 16], dst_port: u16, protocol: u8) -> (Self, Dir) {
        let dir = if (u128::from_be_bytes(src), src_port) <= (u128::from_be_bytes(dst), dst_port) { Dir::Up } else { Dir::Down };
        let ((a, pa), (b, pb)) = match dir {
            Dir::Up => ((src, src_port), (dst, dst_port)),
            Dir::Down => ((dst, dst_port), (src, src_port)),
        };
        let mut key = [0u8; 40];
        key[..16].copy_from_slice(&a);
        key[16..32].copy_from_slice(&b);
        key[32..34].copy_from_slice(&pa.to_be_bytes());
        key[34..36].copy_from_slice(&pb.to_be_bytes());
        key[36] = protocol;
        (Self::V6(key), dir)
    }

    /// The lower and the higher endpoint.
    pub fn endpoints(&self) -> (SocketAddr, SocketAddr) {
        match *self {
            Self::V4([a0, a1, a2, a3, b0, b1, b2, b3, p0, p1, q0, q1, ..]) => (
                SocketAddr::new(Ipv4Addr::new(a0, a1, a2, a3).into(), u16::from_be_bytes([p0, p1])),
                SocketAddr::new(Ipv4Addr::new(b0, b1, b2, b3).into(), u16::from_be_bytes([q0, q1])),
            ),
            Self::V6(key) => {
                let address = |from: usize| {
                    let mut octets = [0u8; 16];
                    for (slot, byte) in octets.iter_mut().zip(key.iter().skip(from)) {
                        *slot = *byte;
                    }
                    IpAddr::V6(Ipv6Addr::from(octets))
                };
                let [.., p0, p1, q0, q1, _, _, _, _] = key;
                (SocketAddr::new(address(0), u16::from_be_bytes([p0, p1])), SocketAddr::new(address(16), u16::from_be_bytes([q0, q1])))
            }
        }
    }

    /// Ports of the lower and the higher endpoint.
    #[inline]
    pub fn ports(&self) -> (u16, u16) {
        match *self {
            Self::V4([_, _, _, _, _, _, _, _, p0, p1, q0, q1, ..]) => (u16::from_be_bytes([p0, p1]), u16::from_be_bytes([q0, q1])),
            Self::V6([.., p0, p1, q0, q1, _, _, _, _]) => (u16::from_be_bytes([p0, p1]), u16::from_be_bytes([q0, q1])),
        }
    }

    /// Sender and receiver of a packet that goes `dir`.
    pub fn from_to(&self, dir: Dir) -> (SocketAddr, SocketAddr) {
        let (a, b) = self.endpoints();
        match dir {
            Dir::Up => (a, b),
            Dir::Down => (b, a),
        }
    }

    /// IP protocol number.
    pub fn protocol(&self) -> u8 {
        match *self {
            Self::V4([.., protocol, _, _, _]) => protocol,
            Self::V6([.., protocol, _, _, _]) => protocol,
        }
    }

    /// A hash that is the same in every run and on every machine: it chooses the shard, so results must not depend on its luck.
    pub fn stable_hash(&self) -> u64 {
        match self {
            Self::V4(key) => Words::from(*key).stable_hash(),
            Self::V6(key) => key.chunks(8).fold(MULTIPLIER, |hash, word| fold(hash, word.iter().fold(0u64, |w, b| w << 8 | u64::from(*b)))),
        }
    }
}

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// A step of [`FlowKey::stable_hash`].
#[inline(always)]
fn fold(hash: u64, word: u64) -> u64 {
    let wide = u128::from(hash ^ word) * u128::from(MULTIPLIER);
    (wide as u64) ^ (wide >> 64) as u64
}

/// The octets of [`FlowKey::V4`] as two numbers: addresses, then ports, protocol and 24 bits that are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words(pub [u64; 2]);

impl Words {
    /// Those of a packet, and which way through its flow it goes.
    #[inline(always)]
    pub fn of(src: [u8; 4], src_port: u16, dst: [u8; 4], dst_port: u16, protocol: u8) -> (Self, Dir) {
        // Endpoints as numbers: which is lower is a coin toss per packet, so it must not be a branch.
        let endpoint = |address: [u8; 4], port: u16| u64::from(u32::from_be_bytes(address)) << 16 | u64::from(port);
        let (src, dst) = (endpoint(src, src_port), endpoint(dst, dst_port));
        let dir = if src <= dst { Dir::Up } else { Dir::Down };
        let (a, b) = (src.min(dst), src.max(dst));
        (Self([(a >> 16) << 32 | b >> 16, (a & 0xffff) << 48 | (b & 0xffff) << 32 | u64::from(protocol) << 24]), dir)
    }

    /// The key.
    #[inline(always)]
    pub fn key(self) -> FlowKey {
        let Self([addresses, ports]) = self;
        FlowKey::V4((u128::from(addresses) << 64 | u128::from(ports)).to_be_bytes())
    }

    /// [`FlowKey::stable_hash`] of the key.
    #[inline(always)]
    pub fn stable_hash(self) -> u64 {
        let Self([addresses, ports]) = self;
        fold(fold(MULTIPLIER, addresses), ports)
    }
}

impl From<[u8; 16]> for Words {
    #[inline(always)]
    fn from(key: [u8; 16]) -> Self {
        let key = u128::from_be_bytes(key);
        Self([(key >> 64) as u64, key as u64])
    }
}

fn octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

impl Hash for FlowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let words: &[u8] = match self {
            Self::V4(key) => key,
            Self::V6(key) => key,
        };
        for word in words.chunks_exact(8) {
            state.write_u64(word.try_into().map_or(0, u64::from_ne_bytes));
        }
    }
}

impl fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b) = self.endpoints();
        write!(f, "{a}<>{b}/{}", self.protocol())
    }
}

impl Serialize for FlowKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (a, b) = self.endpoints();
        (a, b, self.protocol()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FlowKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (a, b, protocol) = <(SocketAddr, SocketAddr, u8)>::deserialize(deserializer)?;
        Ok(Self::new(a, b, protocol).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_share_one_key() {
        let (a, b) = ("192.0.2.9:5060".parse().unwrap(), "192.0.2.1:40000".parse().unwrap());
        let ((up, d1), (down, d2)) = (FlowKey::new(a, b, UDP), FlowKey::new(b, a, UDP));
        assert_eq!((up, d1, d2), (down, Dir::Down, Dir::Up));
        assert_eq!(up.endpoints(), (b, a));
        assert_eq!(up.from_to(d1), (a, b));
        assert_eq!(up.protocol(), UDP);
        assert_eq!(up.stable_hash(), down.stable_hash());
    }

    #[test]
    fn ipv6_key_gives_its_parts_back() {
        let (a, b) = ("[2001:db8::1]:5061".parse().unwrap(), "[2001:db8::2]:1".parse().unwrap());
        let (key, dir) = FlowKey::new(a, b, TCP);
        assert_eq!((key.from_to(dir), key.protocol()), ((a, b), TCP));
    }

    #[test]
    fn key_survives_saving() {
        for (a, b) in [("192.0.2.9:5060", "192.0.2.1:40000"), ("[::1]:1", "[::2]:2")] {
            let (key, _) = FlowKey::new(a.parse().unwrap(), b.parse().unwrap(), UDP);
            let bytes = postcard::to_stdvec(&key).unwrap();
            assert_eq!(postcard::from_bytes::<FlowKey>(&bytes).unwrap(), key);
        }
    }
}
