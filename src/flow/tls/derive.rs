//! Keys from secrets: the PRF of TLS 1.2 (RFC 5246 section 5), HKDF-Expand-Label of TLS 1.3 (RFC 8446 section 7.1).

use crate::flow::keylog::Secret;
use crate::proto::tls::Digest;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use zeroize::Zeroizing;

/// The HMAC of `parts`, one behind the other.
pub fn hmac(digest: Digest, key: &[u8], parts: &[&[u8]]) -> Secret {
    fn of<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Secret {
        let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Zeroizing::default() };
        parts.iter().for_each(|part| mac.update(part));
        Zeroizing::new(mac.finalize().into_bytes().to_vec())
    }
    match digest {
        Digest::Sha1 => of::<Hmac<Sha1>>(key, parts),
        Digest::Sha256 => of::<Hmac<Sha256>>(key, parts),
        Digest::Sha384 => of::<Hmac<Sha384>>(key, parts),
    }
}

/// `len` octets of the PRF with `label` and the parts of its seed.
pub fn prf(digest: Digest, secret: &[u8], label: &str, seed: [&[u8]; 2], len: usize) -> Secret {
    let [first, second] = seed;
    let mut out: Secret = Zeroizing::new(Vec::with_capacity(len + digest.octets()));
    let mut a = hmac(digest, secret, &[label.as_bytes(), first, second]);
    while out.len() < len {
        out.extend_from_slice(&hmac(digest, secret, &[&a, label.as_bytes(), first, second]));
        a = hmac(digest, secret, &[&a]);
    }
    out.truncate(len);
    out
}

/// `len` octets of HKDF-Expand-Label with no context. Empty where the secret is none of this hash.
pub fn expand(digest: Digest, secret: &[u8], label: &str, len: usize) -> Secret {
    let label_len = (b"tls13 ".len() + label.len()) as u8;
    let len_octets = (len as u16).to_be_bytes();
    let info: [&[u8]; 5] = [&len_octets, &[label_len], b"tls13 ", label.as_bytes(), &[0]];
    let mut out = Zeroizing::new(vec![0; len]);
    let done = match digest {
        Digest::Sha384 => Hkdf::<Sha384>::from_prk(secret).is_ok_and(|hkdf| hkdf.expand_multi_info(&info, &mut out).is_ok()),
        _ => Hkdf::<Sha256>::from_prk(secret).is_ok_and(|hkdf| hkdf.expand_multi_info(&info, &mut out).is_ok()),
    };
    if done { out } else { Zeroizing::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
    }

    /// RFC 8448 section 3: the server's handshake traffic secret and what is derived of it.
    #[test]
    fn keys_are_those_of_rfc_8448() {
        let secret = hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
        assert_eq!(*expand(Digest::Sha256, &secret, "key", 16), hex("3fce516009c21727d0f2e4e86ee403bc"));
        assert_eq!(*expand(Digest::Sha256, &secret, "iv", 12), hex("5d313eb2671276ee13000b30"));
        assert!(expand(Digest::Sha256, &[1, 2], "key", 16).is_empty());
    }

    /// The test vector for P_SHA256 that was published on the TLS working group's list.
    #[test]
    fn prf_is_that_of_tls_1_2() {
        let secret = hex("9bbe436ba940f017b17652849a71db35");
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        let wanted = hex(
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66",
        );
        assert_eq!(*prf(Digest::Sha256, &secret, "test label", [&seed, &[]], 100), wanted);
    }
}
