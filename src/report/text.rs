//! Text of an entry: most of it is borrowed from what was captured, or so short that it needs no allocation.

use crate::address::Digits;
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;

/// Bytes of a text that is kept in place: a time has so many.
const SHORT: usize = 30;

/// Text of an entry.
#[derive(Clone)]
pub struct Text<'a>(Kept<'a>);

#[derive(Clone)]
enum Kept<'a> {
    Borrowed(&'a str),
    /// ASCII, and how long it is.
    Short([u8; SHORT], u8),
    Owned(String),
}

impl<'a> Text<'a> {
    /// What was captured; what of it is no UTF-8 becomes U+FFFD.
    pub fn lossy(bytes: &'a [u8]) -> Self {
        str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes).into(), Self::from)
    }

    /// `2026-11-20T13:53:00.000000000Z`
    pub fn time(at: Timestamp) -> Self {
        Self(Kept::Short(at.rfc3339_bytes(), SHORT as u8))
    }

    /// `192.0.2.1` or `2001:db8::1`
    pub fn ip(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::digits(&Digits::ip(v4)),
            IpAddr::V6(v6) => v6.to_string().into(),
        }
    }

    /// `192.0.2.1:5060` or `[2001:db8::1]:5060`
    pub fn endpoint(end: SocketAddr) -> Self {
        match end {
            SocketAddr::V4(v4) => Self::digits(&Digits::endpoint(v4)),
            SocketAddr::V6(_) => end.to_string().into(),
        }
    }

    fn digits(digits: &Digits) -> Self {
        let (mut text, digits) = ([0; SHORT], digits.as_bytes());
        text.iter_mut().zip(digits).for_each(|(place, byte)| *place = *byte);
        Self(Kept::Short(text, digits.len() as u8))
    }

    /// `0x0000beef`
    pub fn hex(number: u32) -> Self {
        let mut text = [0; SHORT];
        text[..2].copy_from_slice(b"0x");
        for (i, place) in text.iter_mut().skip(2).take(8).enumerate() {
            let nibble = (number >> (28 - 4 * i) & 15) as u8;
            *place = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        }
        Self(Kept::Short(text, 10))
    }

    /// The text, borrowed from nothing.
    pub fn into_owned(self) -> Text<'static> {
        Text(match self.0 {
            Kept::Borrowed(text) => Kept::Owned(text.to_owned()),
            Kept::Short(text, len) => Kept::Short(text, len),
            Kept::Owned(text) => Kept::Owned(text),
        })
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Kept::Borrowed(text) => text,
            Kept::Short(text, len) => text.get(..usize::from(*len)).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default(),
            Kept::Owned(text) => text,
        }
    }
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self(Kept::Borrowed(""))
    }
}

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Kept::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Kept::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text<'_> {}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_in_place_is_what_would_be_allocated() {
        let at = Timestamp(1_500_000_000_000_000_001);
        assert_eq!(Text::time(at), Text::from(at.rfc3339()));
        for end in ["192.0.2.1:5060", "255.255.255.255:65535", "[2001:db8::1]:5060"] {
            let address: SocketAddr = end.parse().unwrap();
            assert_eq!((Text::endpoint(address), Text::ip(address.ip())), (end.into(), address.ip().to_string().into()));
        }
    }

    #[test]
    fn numbers_are_hex_with_all_their_digits() {
        for number in [0, 0xBEEF, 0x1234_5678, u32::MAX, 0x9A00_00F0] {
            assert_eq!(Text::hex(number), Text::from(format!("0x{number:08x}")));
        }
    }

    #[test]
    fn no_text_is_larger_than_it_must_be() {
        assert_eq!(size_of::<Option<Text<'_>>>(), 32);
    }
}
