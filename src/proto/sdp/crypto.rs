//! SDES lines (RFC 4568 section 9.1) without what must stay secret.

use serde::{Deserialize, Serialize};

/// One `a=crypto` line; the key is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crypto {
    /// Its tag; `None` when it is no number.
    pub tag: Option<u32>,
    /// The suite as written, such as `AES_CM_128_HMAC_SHA1_80`.
    pub suite: String,
    /// The key has a lifetime (`|2^31`).
    pub lifetime: bool,
    /// The key has an MKI (`|1:1`).
    pub mki: bool,
    /// The names of session parameters such as `UNENCRYPTED_SRTP`, values left out.
    pub session_params: Vec<String>,
}

/// Reads the value after `crypto:`.
pub(super) fn read(value: &str) -> Crypto {
    let mut words = value.split_ascii_whitespace();
    let tag = words.next().and_then(|tag| tag.parse().ok());
    let suite = words.next().unwrap_or_default().to_owned();
    let keys = words.next().unwrap_or_default();
    // inline:<key>|<lifetime>|<mki>:<length>; base64 holds neither '|' nor ':'.
    let extras = || keys.split(';').flat_map(|key| key.split('|').skip(1));
    Crypto {
        tag,
        suite,
        lifetime: extras().any(|extra| !extra.contains(':')),
        mki: extras().any(|extra| extra.contains(':')),
        session_params: words.map(|word| word.split('=').next().unwrap_or(word).to_owned()).collect(),
    }
}

/// FNV-1a of 64 bits: tells whether a value changed, and cannot give it back.
pub(super) fn digest(secret: &str) -> u64 {
    secret.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_not_kept() {
        let crypto = read("1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0c2VjcmV0|2^31|1:1 KDR=1 UNENCRYPTED_SRTP");
        assert!(crypto.lifetime && crypto.mki);
        assert_eq!((crypto.tag, crypto.session_params.join(" ")), (Some(1), "KDR UNENCRYPTED_SRTP".to_owned()));
        assert!(!format!("{crypto:?}").contains("c2Vj"));
        assert!(!read("1 A inline:x").mki);
    }
}
