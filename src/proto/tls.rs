//! Recognition of TLS records (RFC 8446 section 5.1).

/// Most bytes of an encrypted record: 2^14 and the 2048 that TLS 1.2 allows for (RFC 5246 section 6.2.3).
const MAX_RECORD: u16 = (1 << 14) + 2048;

/// Whether TCP payload begins with a TLS record: content type 20 to 23, version 3.0 to 3.4, a possible length. The record may
/// go on in later segments.
#[inline]
pub fn probe(payload: &[u8]) -> bool {
    let Some(&[kind, major, minor, l0, l1]) = payload.first_chunk::<5>() else { return false };
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
}
