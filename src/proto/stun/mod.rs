//! STUN (RFC 8489), its predecessor (RFC 3489), TURN (RFC 8656) and Microsoft's dialect of it ([MS-TURN]): recognition, messages,
//! attributes, and TURN channel data.

mod attribute;
mod message;

pub use attribute::Attribute;
pub use message::{Class, Message, method};

/// Fixed second word of every message since RFC 5389.
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Front of a message of [MS-TURN] behind its header: its first attribute is always this one (section 2.2.2.1).
const MICROSOFT: [u8; 8] = [0x00, 0x0f, 0, 4, 0x72, 0xc6, 0x4b, 0xc6];
const HEADER_LEN: usize = 20;

/// Whether a UDP payload is a STUN message: by magic cookie and a length that fits, by the first attribute of [MS-TURN], or, as RFC 3489
/// had no cookie, by a known type, a length that is met exactly and attributes that fill it. Some leave the last attribute unpadded
/// (WhatsApp's allocate requests): with the cookie, a length that is met exactly will do.
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
    if t0 & 0xc0 != 0 || HEADER_LEN + len > wire_len {
        return false;
    }
    let body = datagram.get(HEADER_LEN..).unwrap_or_default();
    let exact = HEADER_LEN + len == wire_len;
    if (exact || len % 4 == 0) && [c0, c1, c2, c3] == MAGIC_COOKIE {
        return true;
    }
    if exact && body.starts_with(&MICROSOFT) {
        return true;
    }
    let classic = matches!(u16::from_be_bytes([t0, t1]), 0x0001 | 0x0101 | 0x0111 | 0x0002 | 0x0102 | 0x0112);
    classic && len % 4 == 0 && cut == 0 && exact && attributes_fill(body)
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

/// A TURN ChannelData message (RFC 8656 section 12.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelData<'a> {
    /// The channel, 0x4000 to 0x7fff.
    pub channel: u16,
    /// What it carries, as far as it was captured.
    pub data: &'a [u8],
    /// Bytes of it that snaplen took.
    pub cut: u32,
}

/// Reads a ChannelData message that fits its datagram, padding included or not; the last `cut` bytes of the datagram were not captured.
/// Its four-byte header says too little for it to be recognised alone.
#[inline]
pub fn channel_data(datagram: &[u8], cut: u32) -> Option<ChannelData<'_>> {
    let (&[n0, n1, l0, l1], data) = datagram.split_first_chunk::<4>()?;
    let (channel, len) = (u16::from_be_bytes([n0, n1]), usize::from(u16::from_be_bytes([l0, l1])));
    let left = data.len().saturating_add(cut as usize).checked_sub(len)?;
    let captured = data.get(..len).unwrap_or(data);
    let fits = left < 4 && (0x4000..=0x7fff).contains(&channel);
    fits.then_some(ChannelData { channel, data: captured, cut: (len - captured.len()) as u32 })
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
        assert!(!probe(&message([0, 1], 6, MAGIC_COOKIE, &[0; 8])), "length is in whole words");
        assert!(probe(&message([0, 3], 6, MAGIC_COOKIE, &[0x40, 0x22, 0, 2, 1, 2])), "or met exactly");
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
    fn message_of_microsoft_begins_with_its_own_cookie() {
        let bytes = message([0, 3], 8, [1; 4], &MICROSOFT);
        assert!(probe(&bytes) && !probe(&bytes[..27]) && !probe(&[&bytes[..], &[0]].concat()));
        assert!(!probe(&message([0, 3], 8, [1; 4], &[0, 0x10, 0, 4, 0x72, 0xc6, 0x4b, 0xc6])));
    }

    #[test]
    fn channel_data_fits_its_datagram() {
        let bytes = [0x40, 1, 0, 3, 1, 2, 3, 0];
        assert_eq!(channel_data(&bytes, 0), Some(ChannelData { channel: 0x4001, data: &[1, 2, 3], cut: 0 }));
        assert_eq!(channel_data(&bytes[..6], 1), Some(ChannelData { channel: 0x4001, data: &[1, 2], cut: 1 }));
        assert_eq!(
            (channel_data(&bytes[..6], 0), channel_data(&[0x80, 1, 0, 0], 0), channel_data(&[0x40, 1, 0, 0, 1, 2, 3, 4], 0)),
            (None, None, None)
        );
    }
}
