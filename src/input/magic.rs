//! What a file is by its first bytes: capture format and compression. Names and suffixes are not looked at.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Bytes that tell any format or compression known here.
pub const MAGIC_LEN: usize = 6;

/// Capture file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The classic format of libpcap, in µs, ns and the modified (Kuznetzov) variant.
    Pcap,
    /// The block format (draft-ietf-opsawg-pcapng).
    Pcapng,
}

impl Format {
    /// The format that begins with `first`; `None` when it is no capture.
    pub fn of(first: &[u8]) -> Option<Format> {
        match u32::from_be_bytes(*first.first_chunk()?) {
            0xa1b2_c3d4 | 0xd4c3_b2a1 | 0xa1b2_3c4d | 0x4d3c_b2a1 | 0xa1b2_cd34 | 0x34cd_b2a1 => Some(Format::Pcap),
            0x0a0d_0d0a => Some(Format::Pcapng),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Pcap => "pcap",
            Format::Pcapng => "pcapng",
        })
    }
}

/// Compression around a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// RFC 1952, one member or several.
    Gzip,
    /// RFC 8878, one frame or several.
    Zstd,
    /// The .xz file format 1.2.1, one stream or several.
    Xz,
    /// The LZ4 frame format 1.6.4, one frame or several.
    Lz4,
    /// Recognised, not unpacked.
    Bzip2,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Xz => "xz",
            Compression::Lz4 => "lz4",
            Compression::Bzip2 => "bzip2",
        })
    }
}

impl Compression {
    /// The compression that begins with `first`.
    pub fn of(first: &[u8]) -> Option<Compression> {
        match first {
            [0x1f, 0x8b, ..] => Some(Compression::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Compression::Xz),
            [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Some(Compression::Lz4),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Compression::Bzip2),
            _ => None,
        }
    }

    /// As in the report and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Xz => "xz",
            Compression::Lz4 => "lz4",
            Compression::Bzip2 => "bzip2",
        }
    }

    /// Whether this build unpacks it.
    pub const fn is_read(self) -> bool {
        match self {
            Compression::Gzip | Compression::Xz | Compression::Lz4 => true,
            Compression::Zstd => cfg!(feature = "zstd"),
            Compression::Bzip2 => false,
        }
    }

    /// What to say of a compression that this build does not unpack.
    pub fn refusal(self) -> String {
        let name = self.name();
        let why = if matches!(self, Compression::Zstd) { "this build is without zstd" } else { "not read yet" };
        format!("{name}-compressed ({why}): pipe it in with `{name} -dc FILE | callpath analyze -`")
    }
}

/// What to say of an input that begins with `first` and is no capture.
pub fn not_a_capture(first: &[u8]) -> String {
    if first.is_empty() {
        return "the input is empty: not a capture".to_owned();
    }
    let shown = first.get(..first.len().min(4)).unwrap_or(first).escape_ascii();
    format!("not a capture: it begins with '{shown}'; pcap and pcapng are read, `editcap -F pcapng IN OUT` converts other formats")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_pcap_magics_and_one_pcapng_are_captures() {
        let magics = [0xa1b2c3d4_u32, 0xa1b23c4d, 0xa1b2cd34];
        for magic in magics.iter().flat_map(|m| [m.to_be_bytes(), m.to_le_bytes()]) {
            assert_eq!(Format::of(&magic), Some(Format::Pcap));
        }
        assert_eq!(Format::of(b"\x0a\x0d\x0d\x0a"), Some(Format::Pcapng));
        assert_eq!(Format::of(b"INVI"), None);
        assert_eq!(Format::of(b"\x0a\x0d\x0d"), None);
    }

    #[test]
    fn compressions_are_known_by_magic_and_the_unread_ones_say_how_to_go_on() {
        assert_eq!(Compression::of(b"\xfd7zXZ\0"), Some(Compression::Xz));
        assert_eq!(Compression::of(b"\x04\x22\x4d\x18"), Some(Compression::Lz4));
        assert_eq!(Compression::of(b"\x1f\x8b\x08"), Some(Compression::Gzip));
        assert_eq!(Compression::of(b"BZh9"), Some(Compression::Bzip2));
        assert!(Compression::Bzip2.refusal().contains("bzip2 -dc FILE | callpath analyze -"));
        assert!(!Compression::Bzip2.is_read() && [Compression::Gzip, Compression::Xz, Compression::Lz4].iter().all(|c| c.is_read()));
    }

    #[test]
    fn what_is_no_capture_is_shown_without_control_characters() {
        assert!(not_a_capture(b"\x1b[2Jx").contains("'\\x1b[2J'"));
    }
}
