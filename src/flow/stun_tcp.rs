//! STUN and TURN over TCP: bare as RFC 8489 section 6.2.2 has it, with a length in front (RFC 4571, as ICE over TCP has it), or framed as
//! [MS-TURN] does. It is recognised; what it carries is not unwrapped.

use crate::proto::stun;

/// Octets of the frame of [MS-TURN] (section 2.1.2), and the types that it has: control messages, and data to the end.
const FRAME: usize = 4;
const FRAME_TYPES: [u8; 2] = [2, 3];

/// Whether a segment, or what is readable of a connection, begins with a STUN message, whatever follows it.
pub fn probe(bytes: &[u8]) -> bool {
    match bytes {
        [0..=3, ..] if is_message(bytes) => true,
        [kind, 0, _, _, rest @ ..] if FRAME_TYPES.contains(kind) && bytes.len() > FRAME => is_message(rest),
        [_, _, rest @ ..] => is_message(rest) && framed(bytes) >= 20,
        _ => false,
    }
}

/// The length that RFC 4571 puts in front.
fn framed(bytes: &[u8]) -> usize {
    bytes.first_chunk::<2>().map_or(0, |length| usize::from(u16::from_be_bytes(*length)))
}

/// A message with a cookie, its rest perhaps still to come. A message of RFC 3489 has none and is too little to go by within a stream.
fn is_message(bytes: &[u8]) -> bool {
    let Some(&[_, _, l0, l1]) = bytes.first_chunk::<4>() else { return false };
    let wire_len = 20 + usize::from(u16::from_be_bytes([l0, l1]));
    // The last octet is left out: of what is not whole, a message without a cookie is not taken for one.
    let front = bytes.get(..wire_len - 1).unwrap_or(bytes);
    bytes.len() >= 20 && stun::probe_cut(front, (wire_len - front.len()) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocate() -> Vec<u8> {
        [&[0u8, 3, 0, 8, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12], &[0, 0x19, 0, 4, 17, 0, 0, 0]].concat()
    }

    #[test]
    fn messages_are_recognised_in_each_frame_and_one_behind_another() {
        let bare = allocate();
        let rfc4571 = [&[0, 28][..], &bare].concat();
        let microsoft = [&[2, 0, 0, 28][..], &bare].concat();
        for bytes in [&bare, &rfc4571, &microsoft, &bare.repeat(3)] {
            assert!(probe(bytes), "{bytes:?}");
        }
        assert!(probe(&bare[..20]) && !probe(&bare[..19]));
    }

    #[test]
    fn other_bytes_are_not() {
        assert!(!probe(b"INVITE sip:a@b SIP/2.0\r\n") && !probe(&[0; 64]) && !probe(&[]) && !probe(&[2, 0, 0, 28]));
        let classic = [&[0u8, 1, 0, 0][..], &[7; 16]].concat();
        assert!(!probe(&classic));
    }
}
