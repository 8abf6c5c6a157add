//! Master keys in the text of a session description (RFC 4568 section 6.1): `inline:KEY||SALT|LIFETIME|MKI:LENGTH`.

use super::{Secret, Suite};
use std::fmt;
use zeroize::Zeroizing;

/// Keys read of one description; further ones are passed over.
const MOST_KEYS: usize = 64;
/// Longest master key identifier in octets (RFC 4568 section 6.1).
const LONGEST_MKI: usize = 128;

/// A master key with its salt.
#[derive(Clone)]
pub struct Master {
    /// What it is for.
    pub suite: Suite,
    /// SRTP goes without tags (`UNAUTHENTICATED_SRTP`).
    pub no_rtp_tag: bool,
    /// Key and salt, one behind the other.
    secret: Secret,
    /// The identifier that its packets carry; empty where they carry none.
    mki: Vec<u8>,
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Master").field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl Master {
    /// From key and salt, one behind the other; `None` where their length is not that of the suite.
    pub fn new(suite: Suite, secret: &[u8]) -> Option<Master> {
        let fits = secret.len() == suite.key_len() + suite.salt_len();
        fits.then(|| Master { suite, no_rtp_tag: false, secret: Zeroizing::new(secret.to_vec()), mki: Vec::new() })
    }

    /// The key.
    pub(super) fn key(&self) -> &[u8] {
        self.secret.get(..self.suite.key_len()).unwrap_or_default()
    }

    /// The salt.
    pub(super) fn salt(&self) -> &[u8] {
        self.secret.get(self.suite.key_len()..).unwrap_or_default()
    }

    /// The identifier that its packets carry.
    pub(super) fn mki(&self) -> &[u8] {
        &self.mki
    }

    /// The same key for the same suite.
    pub fn is(&self, other: &Master) -> bool {
        (self.suite, &self.secret, &self.mki, self.no_rtp_tag) == (other.suite, &other.secret, &other.mki, other.no_rtp_tag)
    }
}

/// The keys of a session description, each with the place of its `m=` line. Lines that cannot be read are passed over, and those whose
/// keys change on their way (`KDR`).
pub fn keys(body: &[u8]) -> Vec<(usize, Master)> {
    let mut keys = Vec::new();
    let mut line_of = None;
    for line in body.split(|octet| matches!(octet, b'\r' | b'\n')) {
        if line.starts_with(b"m=") {
            line_of = Some(line_of.map_or(0, |n| n + 1));
        }
        let Some((name, value)) = line.split_at_checked(b"a=crypto:".len()) else { continue };
        if let (Some(of), true, Ok(value)) = (line_of, name.eq_ignore_ascii_case(b"a=crypto:"), std::str::from_utf8(value)) {
            keys.extend(line_keys(value).into_iter().flatten().map(|key| (of, key)));
        }
        keys.truncate(MOST_KEYS);
    }
    keys
}

/// The keys of the value after `crypto:`.
fn line_keys(value: &str) -> Option<Vec<Master>> {
    let mut words = value.split_ascii_whitespace().skip(1);
    let (suite, params) = (Suite::of(words.next()?)?, words.next()?);
    let session: Vec<&str> = words.collect();
    let says = |name: &str| session.iter().any(|word| word.eq_ignore_ascii_case(name));
    if session.iter().any(|word| word.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("KDR="))) {
        return None;
    }
    let key = |param: &str| {
        let (method, info) = param.split_once(':')?;
        let mut parts = info.split('|');
        let text = parts.next().filter(|text| method.eq_ignore_ascii_case("inline") && !is_blank(text))?;
        let secret = base64(text)?;
        let master = Master::new(suite, &secret)?;
        let mki = parts.find(|part| part.contains(':')).map_or(Some(Vec::new()), mki)?;
        Some(Master { mki, no_rtp_tag: says("UNAUTHENTICATED_SRTP"), ..master })
    };
    Some(params.split(';').filter_map(key).collect())
}

/// One letter over and over stands for a key that somebody took out.
fn is_blank(text: &str) -> bool {
    text.bytes().all(|letter| text.as_bytes().first() == Some(&letter))
}

/// `1:4` is the number 1 in four octets.
fn mki(part: &str) -> Option<Vec<u8>> {
    let (value, len) = part.split_once(':')?;
    let (value, len): (u128, usize) = (value.parse().ok()?, len.parse().ok()?);
    let octets = value.to_be_bytes();
    let room = len.checked_sub(octets.len()).map(|more| [vec![0; more], octets.to_vec()].concat());
    let out = match room {
        Some(out) => out,
        None => octets.get(octets.len() - len..)?.to_vec(),
    };
    (1..=LONGEST_MKI).contains(&len).then_some(out)
}

/// RFC 4648 section 4; padding may be missing.
fn base64(text: &str) -> Option<Secret> {
    let text = text.trim_end_matches('=');
    let mut out: Secret = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut word, mut bits) = (Zeroizing::new(0u32), 0);
    for digit in text.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        *word = *word << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((*word >> bits) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

    fn read(lines: &str) -> Vec<(usize, Master)> {
        keys(format!("v=0\r\na=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\nm=audio 1 RTP/SAVP 0\r\n{lines}").as_bytes())
    }

    #[test]
    fn key_and_salt_are_read_per_line() {
        let text = format!(
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4;inline:{KEY}|2:4\r\nm=video 2 RTP/SAVP 1\nA=CRYPTO:1 AES_CM_128_HMAC_SHA1_32 inline:{KEY} UNAUTHENTICATED_SRTP"
        );
        let found = read(&text);
        let told: Vec<(usize, &str, &[u8], bool)> =
            found.iter().map(|(line, key)| (*line, key.suite.name(), key.mki(), key.no_rtp_tag)).collect();
        let (long, short) = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32");
        assert_eq!(told, [(0, long, &[0, 0, 0, 1][..], false), (0, long, &[0, 0, 0, 2], false), (1, short, &[], true)]);
        assert_eq!((found[0].1.key(), found[0].1.salt()), (&b"wDfvg&T+)xG7@fb5"[..], &b"jU,RaA}\\|p0%*#"[..]));
        assert!(!found[0].1.is(&found[1].1) && found[0].1.is(&found[0].1));
        assert!(!format!("{:?}", found[0].1).contains("119"));
    }

    #[test]
    fn lines_that_cannot_be_read_give_no_key() {
        let long = format!("a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:{KEY}");
        let kdr = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} KDR=4");
        let mki = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:200");
        let blank = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{}|2^31", "X".repeat(40));
        for line in [&long, &kdr, &mki, &blank, "a=crypto:1 AES_CM_128_HMAC_SHA1_80", "a=crypto:1 X inline:", "a=crypto:\u{e9}", "a=crypto"]
        {
            assert!(read(line).is_empty(), "{line}");
        }
        assert_eq!(read(&format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\n").repeat(99)).len(), MOST_KEYS);
    }

    #[test]
    fn identifiers_have_the_length_they_say() {
        assert_eq!((mki("258:1"), mki("258:3"), mki("1:0")), (Some(vec![2]), Some(vec![0, 1, 2]), None));
        assert_eq!(mki("1:20").map(|octets| (octets.len(), octets[19])), Some((20, 1)));
    }
}
