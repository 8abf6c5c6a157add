//! WebSocket (RFC 6455): the frame header, masking, and the opening handshake that asks for SIP (RFC 7118).

use memchr::memmem;

/// A frame that claims more payload is damage: no SIP message is that long.
pub const MAX_PAYLOAD: u64 = 1 << 20;
/// An opening handshake whose header section is longer is none.
pub const MAX_HANDSHAKE: usize = 1 << 14;

/// What a frame carries (RFC 6455 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// The rest of a message, or a part of it.
    Continuation,
    /// A message, or its beginning, in UTF-8 or in bytes: SIP goes in either (RFC 7118 section 5).
    Data,
    /// Close, ping or pong.
    Control,
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The last frame of its message.
    pub fin: bool,
    /// RSV1: the message is compressed (RFC 7692 section 6).
    pub compressed: bool,
    /// What it carries.
    pub opcode: Opcode,
    /// Masking key; clients must mask, servers must not (RFC 6455 section 5.1).
    pub mask: Option<[u8; 4]>,
    /// Bytes of the header.
    pub header: usize,
    /// Bytes of payload, at most [`MAX_PAYLOAD`].
    pub payload: usize,
}

impl Frame {
    /// Bytes of header and payload.
    pub fn size(&self) -> usize {
        self.header + self.payload
    }

    /// The payload of the frame at the head of `bytes`, unmasked; shorter when `bytes` is.
    pub fn payload_of(&self, bytes: &[u8]) -> Vec<u8> {
        let end = self.size().min(bytes.len());
        let masked = bytes.get(self.header..end).unwrap_or_default();
        let key = self.mask.unwrap_or_default();
        masked.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
    }
}

/// What the first bytes of a stream of frames are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// A frame begins here; its payload may not have come yet.
    Frame(Frame),
    /// Not to be told before more bytes come.
    More,
    /// No frame begins here, or one whose length cannot be believed.
    Bad,
}

/// Reads the frame header at the head of `bytes` (RFC 6455 section 5.2). Reserved opcodes and bits, control frames that are long or
/// fragmented, lengths not in their shortest form and lengths above [`MAX_PAYLOAD`] are all bad.
pub fn head(bytes: &[u8]) -> Head {
    let (Some(&first), second) = (bytes.first(), bytes.get(1)) else { return Head::More };
    let fin = first & 0x80 != 0;
    let opcode = match first & 0x0F {
        0 => Opcode::Continuation,
        1 | 2 => Opcode::Data,
        8..=10 if fin => Opcode::Control,
        _ => return Head::Bad,
    };
    let compressed = first & 0x40 != 0;
    // Only the first frame of a message says that it is compressed.
    if first & 0x30 != 0 || compressed && opcode != Opcode::Data {
        return Head::Bad;
    }
    let Some(&second) = second else { return Head::More };
    let (octets, least) = match second & 0x7F {
        126 => (2, 126),
        127 => (8, 1 << 16),
        _ => (0, 0),
    };
    let Some(rest) = bytes.get(2..).filter(|rest| rest.len() >= octets) else { return Head::More };
    let (length, rest) = rest.split_at_checked(octets).unwrap_or_default();
    let payload = match octets {
        0 => u64::from(second & 0x7F),
        _ => length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    };
    if payload < least || payload > MAX_PAYLOAD || opcode == Opcode::Control && octets > 0 {
        return Head::Bad;
    }
    let masked = second & 0x80 != 0;
    let mask = rest.first_chunk().copied().filter(|_| masked);
    if masked && mask.is_none() {
        return Head::More;
    }
    Head::Frame(Frame { fin, compressed, opcode, mask, header: 2 + octets + if masked { 4 } else { 0 }, payload: payload as usize })
}

/// How long the opening handshake at the head of `bytes` is: an HTTP request that asks for the `sip` subprotocol, or the answer
/// that switches to it (RFC 7118 section 4). `None` when there is none, or not all of it.
pub fn handshake(bytes: &[u8]) -> Option<usize> {
    let opens = bytes.starts_with(b"GET ") || bytes.starts_with(b"HTTP/1.1 101");
    if !opens {
        return None;
    }
    let head = bytes.get(..bytes.len().min(MAX_HANDSHAKE)).unwrap_or_default();
    let end = memmem::find(head, b"\r\n\r\n")? + 4;
    let mut lines = head.get(..end)?.split(|byte| *byte == b'\n').skip(1);
    let sip = |line: &[u8]| {
        let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
        let mut protocols = value.get(1..)?.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        (name.eq_ignore_ascii_case(b"Sec-WebSocket-Protocol") && protocols.any(|p| p.eq_ignore_ascii_case(b"sip"))).then_some(())
    };
    lines.any(|line| sip(line).is_some()).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: &[u8]) -> Frame {
        match head(bytes) {
            Head::Frame(frame) => frame,
            other => panic!("{other:?}"),
        }
    }

    /// RFC 6455 section 5.7 gives these bytes.
    #[test]
    fn examples_of_the_standard_are_read() {
        let hello = [0x81, 5, b'H', b'e', b'l', b'l', b'o'];
        assert_eq!((frame(&hello).payload_of(&hello), frame(&hello).mask), (b"Hello".to_vec(), None));
        let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!((frame(&masked).payload_of(&masked), frame(&masked).size()), (b"Hello".to_vec(), 11));
        assert_eq!((frame(&[1, 3]).fin, frame(&[0x80, 2]).opcode), (false, Opcode::Continuation));
        assert_eq!((frame(&[0x89, 5]).opcode, frame(&[0x8A, 0x85, 1, 2, 3, 4]).opcode), (Opcode::Control, Opcode::Control));
        assert_eq!((frame(&[0x82, 0x7E, 1, 0]).payload, frame(&[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]).payload), (256, 65_536));
    }

    #[test]
    fn a_header_in_pieces_waits_and_a_lie_is_bad() {
        let long = [0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 9, 9, 9, 9];
        assert!((0..long.len()).all(|n| head(&long[..n]) == Head::More));
        assert_eq!(frame(&long).mask, Some([9; 4]));
        for bad in [
            &[0x83, 0][..],
            &[0xA1, 0],
            &[0x09, 0],
            &[0xC9, 0],
            &[0x89, 126, 0, 200],
            &[0x81, 126, 0, 5],
            &[0x81, 127, 0, 0, 0, 0, 0, 0, 1, 0],
            &[0x81, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0x81, 127, 0, 0, 0, 0, 0, 0x10, 0, 1],
        ] {
            assert_eq!(head(bad), Head::Bad, "{bad:?}");
        }
    }

    #[test]
    fn handshake_counts_only_for_sip_and_when_whole() {
        let ask = "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nsec-websocket-protocol: xmpp, SIP\r\n\r\n";
        assert_eq!(handshake(format!("{ask}\u{1}").as_bytes()), Some(ask.len()));
        assert_eq!(handshake(&ask.as_bytes()[..ask.len() - 1]), None);
        let answer = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
        assert_eq!(handshake(answer.as_bytes()), Some(answer.len()));
        for other in ["GET / HTTP/1.1\r\nSec-WebSocket-Protocol: sipp\r\n\r\n", "HTTP/1.1 200 OK\r\nSec-WebSocket-Protocol: sip\r\n\r\n"] {
            assert_eq!(handshake(other.as_bytes()), None);
        }
    }
}
