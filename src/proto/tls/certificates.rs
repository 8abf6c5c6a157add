//! Certificate and CertificateRequest messages.

use super::{Octets, Version};
use serde::{Deserialize, Serialize};

/// Certificates of a chain that are read.
const MOST: usize = 16;

/// The DER of each certificate in the order sent, that of the sender first (RFC 5246 section 7.4.2, RFC 8446 section 4.4.2).
pub fn certificates(body: &[u8], version: Version) -> Vec<&[u8]> {
    let is_13 = version >= Version::TLS13;
    let mut octets = Octets(body);
    if is_13 {
        octets.vector8();
    }
    let mut list = octets.vector24().unwrap_or(Octets(&[]));
    let next = || {
        let certificate = list.vector24()?;
        if is_13 {
            list.vector16()?;
        }
        Some(certificate.0)
    };
    std::iter::from_fn(next).take(MOST).collect()
}

/// A server asks its client for a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CertificateRequest {
    /// How many authorities it names; none is any.
    pub authorities: u32,
}

impl CertificateRequest {
    /// Reads the body of the message (RFC 5246 section 7.4.4, RFC 8446 section 4.3.2).
    pub fn read(body: &[u8], version: Version) -> CertificateRequest {
        let mut octets = Octets(body);
        let names = if version >= Version::TLS13 {
            octets.vector8();
            super::hello::extensions(octets).find(|(kind, _)| *kind == 47).and_then(|(_, mut body)| body.vector16())
        } else {
            octets.vector8();
            if version >= Version::TLS12 {
                octets.vector16();
            }
            octets.vector16()
        };
        let mut names = names.unwrap_or(Octets(&[]));
        CertificateRequest { authorities: std::iter::from_fn(|| names.vector16()).count() as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_chain_are_read() {
        let old = [0, 0, 9, 0, 0, 2, 7, 8, 0, 0, 1, 9];
        assert_eq!(certificates(&old, Version::TLS12), [&[7, 8][..], &[9]]);
        let new = [0, 0, 0, 13, 0, 0, 2, 7, 8, 0, 0, 0, 0, 1, 9, 0, 0];
        assert_eq!(certificates(&new, Version::TLS13), [&[7, 8][..], &[9]]);
        assert!(certificates(&old[..5], Version::TLS12).is_empty());
    }

    #[test]
    fn a_request_may_name_authorities() {
        let body = [1, 1, 0, 2, 4, 1, 0, 8, 0, 2, 5, 5, 0, 2, 6, 6];
        assert_eq!(CertificateRequest::read(&body, Version::TLS12).authorities, 2);
        let new = [0, 0, 10, 0, 47, 0, 6, 0, 4, 0, 2, 5, 5];
        assert_eq!(CertificateRequest::read(&new, Version::TLS13).authorities, 1);
    }
}
