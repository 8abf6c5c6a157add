//! Source descriptions (RFC 3550 section 6.5): the canonical name of each source.

use super::head::word;
use crate::proto::rtp::Ssrc;

/// Ends the items of a chunk.
const END: u8 = 0;
/// The canonical name (section 6.5.1).
const CNAME: u8 = 1;

/// The canonical names of at most `count` chunks, in order. Reads as far as chunks and items are whole.
pub fn names(packet: &[u8], count: u8) -> Vec<(Ssrc, String)> {
    let mut names = Vec::new();
    let mut at = 4;
    for _ in 0..count {
        let Some(ssrc) = word(packet, at).map(Ssrc) else { break };
        at += 4;
        let Some(end) = items(packet, at, |kind, text| {
            if kind == CNAME {
                names.push((ssrc, String::from_utf8_lossy(text).into_owned()));
            }
        }) else {
            break;
        };
        at = end.next_multiple_of(4);
    }
    names
}

/// Gives each item from `at` on to `take`; where the octet lies that ends them, at most three of padding after it left out.
fn items(packet: &[u8], mut at: usize, mut take: impl FnMut(u8, &[u8])) -> Option<usize> {
    loop {
        let kind = *packet.get(at)?;
        if kind == END {
            return Some(at + 1);
        }
        let len = usize::from(*packet.get(at + 1)?);
        take(kind, packet.get(at + 2..at + 2 + len)?);
        at += 2 + len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(chunks: &[&[u8]]) -> Vec<u8> {
        [&[&[0x80u8, 202, 0, 0][..]], chunks].concat().concat()
    }

    #[test]
    fn each_chunk_gives_its_name() {
        let bytes = packet(&[&[0, 0, 0, 5, 2, 1, b'n', 1, 2, b'a', b'b', 0], &[0, 0, 0, 6, 1, 1, b'c', 0]]);
        assert_eq!(names(&bytes, 2), [(Ssrc(5), "ab".to_owned()), (Ssrc(6), "c".to_owned())]);
        assert_eq!(names(&bytes, 1).len(), 1);
    }

    #[test]
    fn items_that_lie_end_the_reading() {
        assert_eq!(names(&packet(&[&[0, 0, 0, 5, 1, 9, b'a', b'b']]), 31), []);
        assert_eq!(names(&packet(&[&[0, 0, 0, 5, 1, 1, b'a']]), 1), [(Ssrc(5), "a".to_owned())], "the end is missing");
        assert_eq!(names(&packet(&[&[0; 8].repeat(3)]), 31), []);
    }
}
