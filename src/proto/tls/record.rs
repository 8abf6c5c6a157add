//! Records (RFC 8446 section 5.1, RFC 5246 section 6.2).

use serde::{Deserialize, Serialize};

/// Octets of a record's header.
pub const HEADER: usize = 5;
/// Most bytes of an encrypted record: 2^14 and the 2048 that TLS 1.2 allows for (RFC 5246 section 6.2.3).
pub const MAX_RECORD: u16 = (1 << 14) + 2048;

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContentType {
    /// Encryption begins with the next record.
    ChangeCipherSpec,
    /// An alert.
    Alert,
    /// Handshake messages.
    Handshake,
    /// Data, and in TLS 1.3 whatever is encrypted.
    Application,
}

impl ContentType {
    /// Its number on the wire.
    pub fn number(self) -> u8 {
        match self {
            ContentType::ChangeCipherSpec => 20,
            ContentType::Alert => 21,
            ContentType::Handshake => 22,
            ContentType::Application => 23,
        }
    }

    /// Of its number.
    pub fn of(number: u8) -> Option<ContentType> {
        Some(match number {
            20 => ContentType::ChangeCipherSpec,
            21 => ContentType::Alert,
            22 => ContentType::Handshake,
            23 => ContentType::Application,
            _ => return None,
        })
    }
}

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it holds, encrypted or not.
    pub kind: ContentType,
    /// Version in its header; says little.
    pub version: u16,
    /// What follows the header.
    pub body: &'a [u8],
}

/// What begins bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next<'a> {
    /// A whole record.
    Record(Record<'a>),
    /// A record that goes on behind these bytes.
    More,
    /// No record.
    Bad,
}

impl<'a> Record<'a> {
    /// The record at the beginning of `bytes`.
    pub fn next(bytes: &'a [u8]) -> Next<'a> {
        let Some((&[kind, major, minor, l0, l1], rest)) = bytes.split_first_chunk::<HEADER>() else {
            return if may_begin(bytes) { Next::More } else { Next::Bad };
        };
        let Some(kind) = ContentType::of(kind).filter(|_| probe(bytes)) else { return Next::Bad };
        match rest.get(..usize::from(u16::from_be_bytes([l0, l1]))) {
            Some(body) => Next::Record(Record { kind, version: u16::from_be_bytes([major, minor]), body }),
            None => Next::More,
        }
    }

    /// Octets it takes, its header too.
    pub fn size(&self) -> usize {
        HEADER + self.body.len()
    }
}

/// Fewer octets than a header has may begin one.
fn may_begin(bytes: &[u8]) -> bool {
    let [kind, major, minor] = [0, 1, 2].map(|at| bytes.get(at).copied());
    kind.is_none_or(|kind| (20..=23).contains(&kind)) && major.is_none_or(|major| major == 3) && minor.is_none_or(|minor| minor <= 4)
}

/// Whether TCP payload begins with a TLS record: content type 20 to 23, version 3.0 to 3.4, a possible length. The record may
/// go on in later segments.
#[inline]
pub fn probe(payload: &[u8]) -> bool {
    let Some(&[kind, major, minor, l0, l1]) = payload.first_chunk::<HEADER>() else { return false };
    (20..=23).contains(&kind) && major == 3 && minor <= 4 && u16::from_be_bytes([l0, l1]) <= MAX_RECORD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_header_is_tls() {
        assert!(probe(&[22, 3, 1, 2, 0, 1]) && probe(&[23, 3, 3, 0x48, 0]));
        assert!(!probe(&[23, 3, 3, 0x48, 1]) && !probe(&[24, 3, 3, 0, 1]) && !probe(&[22, 3, 5, 0, 1]) && !probe(&[22, 3, 1, 0]));
        assert!(!probe(b"INVITE sip:"));
    }

    #[test]
    fn records_follow_each_other_and_may_be_cut_anywhere() {
        let bytes = [22, 3, 1, 0, 2, 8, 9, 21, 3, 3, 0, 1, 7];
        let Next::Record(first) = Record::next(&bytes) else { panic!("a record") };
        assert_eq!((first.kind, first.version, first.body, first.size()), (ContentType::Handshake, 0x0301, &[8, 9][..], 7));
        let Next::Record(second) = Record::next(&bytes[7..]) else { panic!("a record") };
        assert_eq!((second.kind, second.body), (ContentType::Alert, &[7][..]));
        assert!((0..7).all(|len| Record::next(&bytes[..len]) == Next::More));
        assert_eq!(Record::next(b"INVITE"), Next::Bad);
        assert_eq!(Record::next(b"I"), Next::Bad);
    }
}
