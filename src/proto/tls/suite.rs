//! Cipher suites: what each is made of, for those that are decrypted, and names for those that are met.

use serde::{Deserialize, Serialize};

/// How records are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cipher {
    /// AES with a key of 16 octets in Galois/counter mode.
    Aes128Gcm,
    /// The same with a key of 32.
    Aes256Gcm,
    /// ChaCha20 and Poly1305 (RFC 7905).
    ChaCha20Poly1305,
    /// AES with a key of 16 octets in CBC mode, and an HMAC.
    Aes128Cbc(Digest),
    /// The same with a key of 32.
    Aes256Cbc(Digest),
}

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Digest {
    /// SHA-1
    Sha1,
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
}

/// A suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suite {
    /// Its number.
    pub number: u16,
    /// Its name in the IANA registry.
    pub name: &'static str,
    /// How it encrypts; `None` where that is not decrypted.
    pub cipher: Option<Cipher>,
    /// The hash of its key derivation in TLS 1.2 and 1.3.
    pub hash: Digest,
}

const fn suite(number: u16, name: &'static str, cipher: Cipher, hash: Digest) -> Suite {
    Suite { number, name, cipher: Some(cipher), hash }
}

const fn named(number: u16, name: &'static str) -> Suite {
    Suite { number, name, cipher: None, hash: Digest::Sha256 }
}

use Cipher::{Aes128Cbc, Aes128Gcm, Aes256Cbc, Aes256Gcm, ChaCha20Poly1305};
use Digest::{Sha1, Sha256, Sha384};

/// The suites, in order of number.
const SUITES: &[Suite] = &[
    named(0x0004, "TLS_RSA_WITH_RC4_128_MD5"),
    named(0x0005, "TLS_RSA_WITH_RC4_128_SHA"),
    named(0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    suite(0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA", Aes128Cbc(Sha1), Sha256),
    suite(0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", Aes128Cbc(Sha1), Sha256),
    suite(0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", Aes256Cbc(Sha1), Sha256),
    suite(0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", Aes256Cbc(Sha1), Sha256),
    suite(0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256", Aes128Cbc(Sha256), Sha256),
    suite(0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256", Aes256Cbc(Sha256), Sha256),
    suite(0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", Aes128Cbc(Sha256), Sha256),
    suite(0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", Aes256Cbc(Sha256), Sha256),
    suite(0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    suite(0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    suite(0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    suite(0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    suite(0x1301, "TLS_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    suite(0x1302, "TLS_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    named(0x1304, "TLS_AES_128_CCM_SHA256"),
    named(0x1305, "TLS_AES_128_CCM_8_SHA256"),
    suite(0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", Aes128Cbc(Sha1), Sha256),
    suite(0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", Aes256Cbc(Sha1), Sha256),
    named(0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    suite(0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Aes128Cbc(Sha1), Sha256),
    suite(0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Aes256Cbc(Sha1), Sha256),
    suite(0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", Aes128Cbc(Sha256), Sha256),
    suite(0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", Aes256Cbc(Sha384), Sha384),
    suite(0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", Aes128Cbc(Sha256), Sha256),
    suite(0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", Aes256Cbc(Sha384), Sha384),
    suite(0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    suite(0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    suite(0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    suite(0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    suite(0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    suite(0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    suite(0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
];

impl Suite {
    /// The suite of a number, if it is known.
    pub fn of(number: u16) -> Option<&'static Suite> {
        SUITES.binary_search_by_key(&number, |suite| suite.number).ok().and_then(|at| SUITES.get(at))
    }

    /// Its name, else its number.
    pub fn name_of(number: u16) -> String {
        Suite::of(number).map_or_else(|| format!("0x{number:04X}"), |suite| suite.name.to_owned())
    }
}

impl Cipher {
    /// Octets of its key.
    pub fn key_len(self) -> usize {
        match self {
            Aes128Gcm | Aes128Cbc(_) => 16,
            Aes256Gcm | Aes256Cbc(_) | ChaCha20Poly1305 => 32,
        }
    }

    /// Octets of what TLS 1.2 derives beside the key: salt of a nonce, or nothing where each record brings its own.
    pub fn salt_len(self) -> usize {
        match self {
            Aes128Gcm | Aes256Gcm => 4,
            ChaCha20Poly1305 => 12,
            Aes128Cbc(_) | Aes256Cbc(_) => 0,
        }
    }

    /// Octets of the key that authenticates apart from encryption.
    pub fn mac_len(self) -> usize {
        match self {
            Aes128Cbc(digest) | Aes256Cbc(digest) => digest.octets(),
            _ => 0,
        }
    }
}

impl Digest {
    /// Octets of its output.
    pub fn octets(self) -> usize {
        match self {
            Sha1 => 20,
            Sha256 => 32,
            Sha384 => 48,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_in_order_and_names_what_it_is_made_of() {
        assert!(SUITES.windows(2).all(|pair| pair[0].number < pair[1].number));
        for suite in SUITES {
            assert_eq!(Suite::of(suite.number), Some(suite));
            assert_eq!(suite.name.contains("AES_256_GCM"), suite.cipher == Some(Aes256Gcm), "{}", suite.name);
            assert_eq!(suite.name.contains("CBC_SHA384"), matches!(suite.cipher, Some(Aes256Cbc(Sha384))), "{}", suite.name);
        }
        assert_eq!(Suite::name_of(0xc030), "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
        assert_eq!(Suite::name_of(0xfefe), "0xFEFE");
    }
}
