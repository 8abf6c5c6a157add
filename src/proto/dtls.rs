//! Recognition of DTLS records (RFC 6347 section 4.1, RFC 9147 section 4). The unified header of DTLS 1.3 is not recognised: without
//! the handshake before it, it cannot be told from other datagrams.

/// Most bytes of an encrypted record (RFC 6347 section 4.1).
const MAX_RECORD: usize = (1 << 14) + 2048;
/// `tls12_cid` (RFC 9146): a connection id of unknown length stands before the length.
const WITH_CONNECTION_ID: u8 = 25;

/// Whether a UDP payload begins with a DTLS record: content type 20 to 25, version 1.0, 1.2, 1.3 or OpenSSL's 0x0100 of before the
/// standard, and a length that fits.
#[inline]
pub fn probe(datagram: &[u8]) -> bool {
    probe_cut(datagram, 0)
}

/// [`probe`] of a UDP payload whose last `cut` bytes were not captured.
#[inline]
pub fn probe_cut(datagram: &[u8], cut: u32) -> bool {
    let Some((&[kind, v0, v1, _, _, _, _, _, _, _, _, l0, l1], rest)) = datagram.split_first_chunk::<13>() else { return false };
    let version = matches!([v0, v1], [0xfe, 0xff] | [0xfe, 0xfd] | [0xfe, 0xfc] | [1, 0]);
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    let fits = kind == WITH_CONNECTION_ID || (len <= MAX_RECORD && len <= rest.len().saturating_add(cut as usize));
    version && fits && (20..=25).contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_that_fits_is_dtls() {
        let record = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 1, 1];
        assert!(probe(&record));
        assert!(!probe(&record[..14]) && probe_cut(&record[..14], 1) && !probe(&record[..12]));
        assert!(!probe(&[22, 3, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 1, 1]), "a TLS version");
        assert!(!probe(&[26, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 1, 1]), "an unknown type");
    }

    #[test]
    fn connection_id_hides_the_length() {
        assert!(probe(&[25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 9]));
    }
}
