//! Chunks of an SCTP packet (RFC 9260 section 3.2): the data that an association carries.

/// Type of a DATA chunk (RFC 9260 section 3.3.1).
const DATA: u8 = 0;
/// Flags of a DATA chunk: the end and the beginning of a user message.
const END: u8 = 1;
const BEGIN: u8 = 2;

/// A DATA chunk, or as much of one as was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data<'a> {
    /// Transmission sequence number: fragments of one user message count on.
    pub tsn: u32,
    /// It begins a user message.
    pub begins: bool,
    /// It ends one.
    pub ends: bool,
    /// The bytes.
    pub bytes: &'a [u8],
    /// The snap length took some of them.
    pub cut: bool,
}

/// The DATA chunks of a packet, in order. A length that lies ends the walk.
pub fn data(chunks: &[u8]) -> impl Iterator<Item = Data<'_>> {
    Chunks { rest: chunks }.filter_map(|(kind, flags, len, body)| {
        let (&[t0, t1, t2, t3, ..], bytes) = body.split_first_chunk::<12>().filter(|_| kind == DATA)?;
        let tsn = u32::from_be_bytes([t0, t1, t2, t3]);
        Some(Data { tsn, begins: flags & BEGIN != 0, ends: flags & END != 0, bytes, cut: body.len() < len })
    })
}

struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Chunks<'a> {
    /// Type, flags, length without header, captured bytes.
    type Item = (u8, u8, usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[kind, flags, l0, l1], body) = self.rest.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_be_bytes([l0, l1])).checked_sub(4)?;
        // Chunks are padded to four octets.
        self.rest = body.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, flags, len, body.get(..len).unwrap_or(body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: u8, flags: u8, body: &[u8]) -> Vec<u8> {
        let mut chunk = [&[kind, flags][..], &(4 + body.len() as u16).to_be_bytes(), body].concat();
        chunk.resize(chunk.len().next_multiple_of(4), 0);
        chunk
    }

    #[test]
    fn data_chunks_are_found_among_others() {
        let of = |tsn: u8, text: &[u8]| [&[0, 0, 0, tsn, 0, 1, 0, 0, 0, 0, 0, 0], text].concat();
        let packet = [chunk(3, 0, &[0; 12]), chunk(0, 3, &of(7, b"BYE")), chunk(0, 2, &of(8, b"IN"))].concat();
        let found: Vec<_> = data(&packet).map(|d| (d.tsn, d.begins, d.ends, d.bytes)).collect();
        assert_eq!(found, [(7, true, true, &b"BYE"[..]), (8, true, false, &b"IN"[..])]);
        let whole = chunk(0, 3, &of(7, b"INVITE"));
        for len in 0..whole.len() {
            assert!(data(&whole[..len]).all(|d| d.cut || d.bytes == b"INVITE"));
        }
    }

    #[test]
    fn lengths_that_lie_end_the_walk() {
        assert_eq!(data(&[0, 3, 0, 0, 0, 3, 0, 0]).count(), 0);
        assert_eq!(data(&[0, 3, 0, 3]).count(), 0);
        let long = data(&[&[0, 3, 255, 255][..], &[0; 20]].concat()).map(|d| (d.cut, d.bytes.len())).collect::<Vec<_>>();
        assert_eq!(long, [(true, 8)]);
    }
}
