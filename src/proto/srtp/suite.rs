//! Crypto suites by their names in SDP (RFC 4568 section 6.2, RFC 6188 section 4, RFC 7714 section 14.2).

use serde::{Deserialize, Serialize};

/// How packets are encrypted and authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80`.
    Cm128Sha80,
    /// `AES_CM_128_HMAC_SHA1_32`.
    Cm128Sha32,
    /// `AES_256_CM_HMAC_SHA1_80`.
    Cm256Sha80,
    /// `AES_256_CM_HMAC_SHA1_32`.
    Cm256Sha32,
    /// `AEAD_AES_128_GCM`.
    Gcm128,
    /// `AEAD_AES_256_GCM`.
    Gcm256,
}

/// The names; drafts before RFC 6188 turned two words round, and devices still do.
const NAMES: [(&str, Suite); 8] = [
    ("AES_CM_128_HMAC_SHA1_80", Suite::Cm128Sha80),
    ("AES_CM_128_HMAC_SHA1_32", Suite::Cm128Sha32),
    ("AES_256_CM_HMAC_SHA1_80", Suite::Cm256Sha80),
    ("AES_256_CM_HMAC_SHA1_32", Suite::Cm256Sha32),
    ("AEAD_AES_128_GCM", Suite::Gcm128),
    ("AEAD_AES_256_GCM", Suite::Gcm256),
    ("AES_CM_256_HMAC_SHA1_80", Suite::Cm256Sha80),
    ("AES_CM_256_HMAC_SHA1_32", Suite::Cm256Sha32),
];

impl Suite {
    /// The suite of this name, any letter case; `None` where it is none of those above.
    pub fn of(name: &str) -> Option<Suite> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, suite)| *suite)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, suite)| *suite == self).map_or("", |(name, _)| name)
    }

    /// Octets of its master key, and of the keys of a session.
    pub fn key_len(self) -> usize {
        match self {
            Suite::Cm128Sha80 | Suite::Cm128Sha32 | Suite::Gcm128 => 16,
            Suite::Cm256Sha80 | Suite::Cm256Sha32 | Suite::Gcm256 => 32,
        }
    }

    /// Octets of its master salt, and of the salts of a session.
    pub fn salt_len(self) -> usize {
        if self.is_gcm() { 12 } else { 14 }
    }

    /// Octets of the tag of an SRTP packet.
    pub fn rtp_tag(self) -> usize {
        match self {
            Suite::Cm128Sha32 | Suite::Cm256Sha32 => 4,
            Suite::Cm128Sha80 | Suite::Cm256Sha80 => 10,
            Suite::Gcm128 | Suite::Gcm256 => 16,
        }
    }

    /// Octets of the tag of an SRTCP packet: 80 bits also where that of SRTP has 32 (RFC 4568 section 6.2.2).
    pub fn rtcp_tag(self) -> usize {
        if self.is_gcm() { 16 } else { 10 }
    }

    /// Encryption and authentication are one.
    pub fn is_gcm(self) -> bool {
        matches!(self, Suite::Gcm128 | Suite::Gcm256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_suites_and_back() {
        assert!(NAMES.iter().take(6).all(|(name, suite)| suite.name() == *name && Suite::of(name) == Some(*suite)));
        assert_eq!(Suite::of("aes_cm_256_hmac_sha1_80").map(Suite::name), Some("AES_256_CM_HMAC_SHA1_80"));
        assert_eq!(Suite::of("F8_128_HMAC_SHA1_80"), None);
    }
}
