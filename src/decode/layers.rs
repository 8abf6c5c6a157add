//! What decode carries from layer to layer: the bytes that are left, and the facts gathered on the way.

use super::outer::{Mirror, MirrorKind, Outer, Tunnel, TunnelKind};
use super::{Dir, FlowKey, FragmentKey, Link};
use crate::error::Undecoded;
use std::net::IpAddr;

/// The bytes of a frame not read yet, and how many more of them there were on the wire than were captured.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    cut: u32,
}

impl<'a> Cursor<'a> {
    /// `bytes` as captured, after which `cut` more were on the wire.
    pub fn new(bytes: &'a [u8], cut: u32) -> Self {
        Self { bytes, cut }
    }

    /// What was captured of the rest.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What was not captured of the rest, in bytes.
    pub fn cut(&self) -> u32 {
        self.cut
    }

    /// Length of the rest on the wire, in bytes.
    pub fn wire_len(&self) -> usize {
        self.bytes.len().saturating_add(self.cut as usize)
    }

    /// The next `N` bytes; nothing moves when fewer were captured.
    pub fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = rest;
        Some(*head)
    }

    /// Steps over `n` bytes, or to the end of what was captured.
    pub fn skip(&mut self, n: usize) {
        self.bytes = self.bytes.get(n..).unwrap_or_default();
    }

    /// Sets the length of the rest to what a header says it is: what lies beyond is padding, what lacks was cut.
    pub fn limit(&mut self, len: usize) {
        match self.bytes.get(..len) {
            Some(bytes) => (self.bytes, self.cut) = (bytes, 0),
            None => self.cut = u32::try_from(len.saturating_sub(self.bytes.len())).unwrap_or(u32::MAX),
        }
    }
}

/// The two addresses of the innermost IP header read so far.
#[derive(Debug, Clone, Copy)]
pub enum Ends {
    /// IPv4 source and destination.
    V4([u8; 4], [u8; 4]),
    /// IPv6 source and destination.
    V6([u8; 16], [u8; 16]),
}

impl Ends {
    /// Whether the addresses are of IPv6.
    pub fn is_v6(&self) -> bool {
        matches!(self, Self::V6(..))
    }

    /// The flow of a transport header between the two.
    #[inline]
    pub fn flow(&self, src_port: u16, dst_port: u16, protocol: u8) -> (FlowKey, Dir) {
        match *self {
            Self::V4(src, dst) => FlowKey::v4(src, src_port, dst, dst_port, protocol),
            Self::V6(src, dst) => FlowKey::v6(src, src_port, dst, dst_port, protocol),
        }
    }

    /// Source and destination.
    pub fn addresses(&self) -> (IpAddr, IpAddr) {
        match *self {
            Self::V4(src, dst) => (src.into(), dst.into()),
            Self::V6(src, dst) => (src.into(), dst.into()),
        }
    }

    /// The identity of a fragmented datagram between the two.
    pub fn fragment_key(&self, id: u32, protocol: u8) -> FragmentKey {
        let (src, dst) = self.addresses();
        FragmentKey { src, dst, id, protocol }
    }
}

impl From<&FragmentKey> for Ends {
    fn from(key: &FragmentKey) -> Self {
        match (key.src, key.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => Self::V4(src.octets(), dst.octets()),
            (src, dst) => Self::V6(octets(src), octets(dst)),
        }
    }
}

fn octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// The state of reading one frame.
#[derive(Debug)]
pub struct Layers<'a, 't> {
    /// The bytes not read yet.
    pub rest: Cursor<'a>,
    /// Where the frame was seen, as far as it says so itself, and what it came through.
    pub outer: &'t mut Outer,
    /// Facts of this direction so far.
    pub link: Link,
    /// Addresses of the innermost IP header so far; zero before the first.
    pub ends: Ends,
}

impl<'a, 't> Layers<'a, 't> {
    /// Before the first layer.
    pub fn new(rest: Cursor<'a>, outer: &'t mut Outer) -> Self {
        Self { rest, outer, link: Link::default(), ends: Ends::V4([0; 4], [0; 4]) }
    }

    /// A mirror's encapsulation begins here, in the IP header read last: what is inside was seen where the mirror stands.
    pub fn mirror(&mut self, kind: MirrorKind, id: Option<u32>) {
        let ends = self.outer_ends().map(|(src, dst)| (src.min(dst), src.max(dst)));
        self.outer.tap.mirror.push(Mirror { kind, id, ends });
    }

    /// A tunnel begins here, in the IP header read last if there is one.
    pub fn tunnel(&mut self, kind: TunnelKind, id: Option<u32>) {
        let ends = self.outer_ends();
        self.outer.tunnels.push(Tunnel { kind, id, ends });
    }

    fn outer_ends(&self) -> Option<(IpAddr, IpAddr)> {
        Some(self.ends.addresses()).filter(|(src, dst)| !src.is_unspecified() || !dst.is_unspecified())
    }
}

/// The header of `layer` was not captured whole.
pub fn cut_header(layer: &'static str) -> Undecoded {
    Undecoded::new(layer, "header is cut")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_drops_padding_and_tells_what_was_cut() {
        let mut rest = Cursor::new(b"abcdef", 10);
        rest.limit(4);
        assert_eq!((rest.bytes(), rest.cut()), (&b"abcd"[..], 0));
        rest.limit(9);
        assert_eq!((rest.bytes(), rest.cut(), rest.wire_len()), (&b"abcd"[..], 5, 9));
    }

    #[test]
    fn take_moves_only_when_all_is_there() {
        let mut rest = Cursor::new(b"abc", 0);
        assert_eq!(rest.take::<4>(), None);
        assert_eq!(rest.take::<2>(), Some(*b"ab"));
        rest.skip(9);
        assert_eq!(rest.bytes(), b"");
    }
}
