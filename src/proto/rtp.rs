//! RTP headers (RFC 3550 section 5.1) and the static payload types (RFC 3551 section 6).

use crate::proto::rtcp::probe_cut as probe_rtcp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Synchronisation source (RFC 3550 section 3); printed as `0x%08x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ssrc(pub u32);

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08x}", self.0)
    }
}

/// An RTP header that fits its datagram, and where the payload lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The marker bit.
    pub marker: bool,
    /// Payload type, 0 to 127, never 72 to 76.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp, in units of the payload type's clock.
    pub timestamp: u32,
    /// The synchronisation source.
    pub ssrc: Ssrc,
    /// Bytes before the payload: 12, contributing sources and header extension.
    pub payload_offset: usize,
    /// Payload bytes on the wire, without padding; those beyond a snaplen cut are counted, and there the padding is unknown.
    pub payload_len: usize,
    /// The first 8 payload bytes, zero where there are fewer: enough to tell a copy from another packet.
    pub head: u64,
}

impl Header {
    /// Reads the header of a whole UDP payload. Fails unless the version is 2, contributing sources, extension and padding fit
    /// the datagram, and the second octet cannot be that of RTCP (RFC 5761 section 4).
    #[inline]
    pub fn read(datagram: &[u8]) -> Option<Header> {
        Self::read_cut(datagram, 0)
    }

    /// [`Header::read`] of a UDP payload whose last `cut` bytes were not captured.
    #[inline]
    pub fn read_cut(datagram: &[u8], cut: u32) -> Option<Header> {
        let &[first, second, s0, s1, t0, t1, t2, t3, x0, x1, x2, x3] = datagram.first_chunk::<12>()?;
        let payload_type = second & 0x7f;
        if first >> 6 != 2 || (72..=76).contains(&payload_type) {
            return None;
        }
        // 205 to 207 (feedback, XR) are also a marker with payload types 77 to 79, which nobody registered.
        if (205..=207).contains(&second) && probe_rtcp(datagram, cut) {
            return None;
        }
        let wire_len = datagram.len().saturating_add(cut as usize);
        let mut payload_offset = 12 + usize::from(first & 0x0f) * 4;
        if first & 0x10 != 0 {
            payload_offset += extension_len(datagram, payload_offset, cut)?;
        }
        let padding = if first & 0x20 != 0 && cut == 0 { padding_len(datagram)? } else { 0 };
        let payload_len = wire_len.checked_sub(payload_offset)?.checked_sub(padding)?;
        let payload = datagram.get(payload_offset..).unwrap_or_default();
        Some(Header {
            head: head(payload.get(..payload_len).unwrap_or(payload)),
            marker: second & 0x80 != 0,
            payload_type,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: Ssrc(u32::from_be_bytes([x0, x1, x2, x3])),
            payload_offset,
            payload_len,
        })
    }

    /// The captured part of the payload within the datagram that the header was read from.
    #[inline]
    pub fn payload<'a>(&self, datagram: &'a [u8]) -> &'a [u8] {
        let rest = datagram.get(self.payload_offset..).unwrap_or_default();
        rest.get(..self.payload_len).unwrap_or(rest)
    }
}

#[inline]
fn head(payload: &[u8]) -> u64 {
    match payload.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => payload.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Length of the header extension at `at`, its own four octets included (RFC 3550 section 5.3.1).
fn extension_len(datagram: &[u8], at: usize, cut: u32) -> Option<usize> {
    match datagram.get(at..)?.first_chunk::<4>() {
        Some(&[_, _, l0, l1]) => Some(4 + usize::from(u16::from_be_bytes([l0, l1])) * 4),
        None if cut > 0 => Some(4),
        None => None,
    }
}

/// Octets of padding: the last octet counts them, itself included, so zero is an error.
fn padding_len(datagram: &[u8]) -> Option<usize> {
    datagram.last().copied().filter(|n| *n > 0).map(usize::from)
}

/// Comfort noise (RFC 3389), and the number it had in drafts that phones still send.
#[inline]
pub const fn is_comfort_noise(payload_type: u8) -> bool {
    matches!(payload_type, 13 | 19)
}

/// Clock rate in Hz of a static payload type (RFC 3551 tables 4 and 5); `None` where SDP has to say it.
#[inline]
pub const fn static_clock_rate(payload_type: u8) -> Option<u32> {
    Some(match payload_type {
        0..=5 | 7..=9 | 12 | 13 | 15 | 18 | 19 => 8_000,
        6 => 16_000,
        10 | 11 => 44_100,
        16 => 11_025,
        17 => 22_050,
        14 | 25 | 26 | 28 | 31..=34 => 90_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(first: u8, second: u8, rest: &[u8]) -> Vec<u8> {
        [&[first, second, 0x12, 0x34, 0, 0, 1, 0x40, 0xde, 0xad, 0xbe, 0xef][..], rest].concat()
    }

    #[test]
    fn plain_header_is_read() {
        let bytes = datagram(0x80, 0x88, &[7; 160]);
        let header = Header::read(&bytes).unwrap();
        assert_eq!((header.marker, header.payload_type, header.sequence, header.timestamp), (true, 8, 0x1234, 320));
        assert_eq!((header.ssrc.to_string().as_str(), header.payload_offset, header.payload_len), ("0xdeadbeef", 12, 160));
        assert_eq!(header.payload(&bytes).len(), 160);
    }

    #[test]
    fn sources_extension_and_padding_are_not_payload() {
        let rest = [&[1, 2, 3, 4][..], &[0xbe, 0xde, 0, 1, 0, 0, 0, 0], &[9; 20], &[0, 0, 0, 4]].concat();
        let header = Header::read(&datagram(0xb1, 96, &rest)).unwrap();
        assert_eq!((header.payload_offset, header.payload_len), (24, 20));
    }

    #[test]
    fn lengths_beyond_the_datagram_are_refused() {
        assert_eq!(Header::read(&datagram(0x81, 0, &[0; 3])), None, "contributing source");
        assert_eq!(Header::read(&datagram(0x90, 0, &[0xbe, 0xde, 0, 2, 0, 0, 0, 0])), None, "extension");
        assert_eq!(Header::read(&datagram(0xa0, 0, &[0, 0, 0, 5])), None, "padding");
        assert_eq!(Header::read(&datagram(0xa0, 0, &[0, 0, 0, 0])), None, "padding of nothing");
        assert_eq!(Header::read(&[0x80; 11]), None);
    }

    #[test]
    fn payload_cut_by_snaplen_is_still_rtp() {
        let bytes = datagram(0xa0, 0, &[1; 8]);
        let header = Header::read_cut(&bytes, 152).unwrap();
        assert_eq!((header.payload_len, header.payload(&bytes).len()), (160, 8));
    }

    #[test]
    fn rtcp_and_other_versions_are_not_rtp() {
        assert_eq!(Header::read(&datagram(0x81, 200, &[0; 40])), None);
        assert_eq!(Header::read(&datagram(0x40, 0, &[0; 40])), None);
        let mut feedback = datagram(0x81, 206, &[]);
        feedback[2..4].copy_from_slice(&[0, 2]);
        assert_eq!(Header::read(&feedback), None);
        assert!(Header::read(&datagram(0x80, 206, &[0; 40])).is_some(), "a length that does not fit is no feedback");
    }

    #[test]
    fn static_types_know_their_clock() {
        assert_eq!((static_clock_rate(9), static_clock_rate(34), static_clock_rate(96)), (Some(8_000), Some(90_000), None));
    }
}
