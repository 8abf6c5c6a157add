//! Recognition of STUN (RFC 8489), its predecessor (RFC 3489) and TURN channel data (RFC 8656 section 12.4).

/// Fixed second word of every message since RFC 5389.
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER_LEN: usize = 20;

/// Whether a UDP payload is a STUN message: by magic cookie and a length that fits, or, as RFC 3489 had no cookie, by a known type,
/// a length that is met exactly and attributes that fill it.
#[inline]
pub fn probe(datagram: &[u8]) -> bool {
    probe_cut(datagram, 0)
}

/// [`probe`] of a UDP payload whose last `cut` bytes were not captured.
#[inline]
pub fn probe_cut(datagram: &[u8], cut: u32) -> bool {
    let Some(&[t0, t1, l0, l1, c0, c1, c2, c3]) = datagram.first_chunk::<8>() else { return false };
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    let wire_len = datagram.len().saturating_add(cut as usize);
    if t0 & 0xc0 != 0 || len % 4 != 0 || HEADER_LEN + len > wire_len {
        return false;
    }
    if [c0, c1, c2, c3] == MAGIC_COOKIE {
        return true;
    }
    let classic = matches!(u16::from_be_bytes([t0, t1]), 0x0001 | 0x0101 | 0x0111 | 0x0002 | 0x0102 | 0x0112);
    classic && cut == 0 && HEADER_LEN + len == wire_len && datagram.get(HEADER_LEN..).is_some_and(attributes_fill)
}

fn attributes_fill(mut rest: &[u8]) -> bool {
    while let Some((&[_, _, l0, l1], after)) = rest.split_first_chunk::<4>() {
        match after.get(usize::from(u16::from_be_bytes([l0, l1]))..) {
            Some(next) => rest = next,
            None => return false,
        }
    }
    rest.is_empty()
}

/// Channel number of a TURN ChannelData message that fits its datagram, padding included or not. Its four-byte header says too
/// little to be recognised alone: `known` is that the flow has carried STUN before.
#[inline]
pub fn channel_data(datagram: &[u8], known: bool) -> Option<u16> {
    let (&[n0, n1, l0, l1], data) = datagram.split_first_chunk::<4>()?;
    let (number, len) = (u16::from_be_bytes([n0, n1]), usize::from(u16::from_be_bytes([l0, l1])));
    let fits = len <= data.len() && data.len() - len < 4;
    (known && fits && (0x4000..=0x7fff).contains(&number)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: [u8; 2], len: u16, cookie: [u8; 4], body: &[u8]) -> Vec<u8> {
        [&kind[..], &len.to_be_bytes(), &cookie, &[7; 12], body].concat()
    }

    #[test]
    fn cookie_and_length_make_a_message() {
        let bytes = message([0, 1], 8, MAGIC_COOKIE, &[0x80, 0x22, 0, 4, 1, 2, 3, 4]);
        assert!(probe(&bytes));
        assert!(!probe(&bytes[..27]) && probe_cut(&bytes[..20], 8));
        assert!(!probe(&message([0, 1], 6, MAGIC_COOKIE, &[0; 6])), "length is in whole words");
        assert!(!probe(&message([0x80, 1], 0, MAGIC_COOKIE, &[])), "first two bits are zero");
    }

    #[test]
    fn classic_message_fits_exactly() {
        assert!(probe(&message([1, 1], 12, [1; 4], &[0, 1, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0])));
        assert!(!probe(&message([1, 1], 12, [1; 4], &[0, 1, 0, 9, 0, 1, 0, 0, 0, 0, 0, 0])));
        assert!(!probe(&message([0, 1], 0, [1; 4], &[0; 4])));
        assert!(!probe(&message([0, 9], 0, [1; 4], &[])));
    }

    #[test]
    fn channel_data_needs_a_hint() {
        let bytes = [0x40, 1, 0, 3, 1, 2, 3, 0];
        assert_eq!((channel_data(&bytes, true), channel_data(&bytes, false)), (Some(0x4001), None));
        assert_eq!((channel_data(&bytes[..6], true), channel_data(&[0x80, 1, 0, 0], true)), (None, None));
    }
}
