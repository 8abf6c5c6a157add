//! The common header of RTCP packets (RFC 3550 section 6.4.1), and reading of words.

/// First of the packet types that a compound may begin with: a sender report.
pub const SENDER_REPORT: u8 = 200;
/// Receiver report.
pub const RECEIVER_REPORT: u8 = 201;
/// Source description.
pub const SOURCE_DESCRIPTION: u8 = 202;
/// Goodbye.
pub const BYE: u8 = 203;
/// Application-defined; feedback (RFC 4585) follows it.
pub const APPLICATION: u8 = 204;
/// Extended reports (RFC 3611), the last of the types that a compound may begin with.
pub const EXTENDED_REPORT: u8 = 207;

/// The header that every RTCP packet begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Report blocks, chunks or sources; a subtype in other packets. 0 to 31.
    pub count: u8,
    /// Packet type.
    pub kind: u8,
    /// Octets of the packet, these four included, so never less than 4.
    pub len: usize,
    /// Octets of padding are at its end.
    pub padded: bool,
}

impl Head {
    /// Reads a header of version 2 and of a packet type that RFC 5761 section 4 sets aside for RTCP.
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Head> {
        let &[first, kind, l0, l1] = bytes.first_chunk::<4>()?;
        let len = (usize::from(u16::from_be_bytes([l0, l1])) + 1) * 4;
        let known = first >> 6 == 2 && (192..=223).contains(&kind);
        known.then_some(Head { count: first & 0x1f, kind, len, padded: first & 0x20 != 0 })
    }

    /// The packet without its padding; `None` when the padding is longer than what it pads, or of no octet.
    pub fn body<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        if !self.padded {
            return Some(packet);
        }
        let padding = packet.last().copied().map(usize::from).filter(|n| *n > 0)?;
        packet.get(..packet.len().checked_sub(padding)?).filter(|body| body.len() >= 4)
    }
}

/// The 32-bit word at `at`, in octets.
pub fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|b| u32::from_be_bytes(*b))
}

/// The 16-bit number at `at`, in octets.
pub fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|b| u16::from_be_bytes(*b))
}
