//! How single values of the topology file are read: words, prefixes, addresses, MACs, dates. Every failure says what to
//! write instead, and every value can remember where it stood ([`At`]).

use ipnet::IpNet;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::ops::Deref;

/// A value written as one TOML string.
pub trait Word: Sized {
    /// What the value is, for `expected a …`.
    const WHAT: &'static str;
    /// Reads the text between the quotes; the failure says what to write instead.
    fn word(text: &str) -> Result<Self, String>;
}

/// A value and the byte offset in the file where it is written, so that a check of the whole file can name the line.
#[derive(Debug, Clone)]
pub struct At<T> {
    value: T,
    /// Byte offset of the value in the text of the file.
    pub offset: usize,
}

impl<T> At<T> {
    /// A value that follows from what stands at `offset`.
    pub(super) fn new(value: T, offset: usize) -> Self {
        Self { value, offset }
    }
}

impl<T> Deref for At<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for At<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<'de, T: Word> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = toml::Spanned::<Raw<T>>::deserialize(deserializer)?;
        let offset = spanned.span().start;
        Ok(Self { value: spanned.into_inner().0, offset })
    }
}

struct Raw<T>(T);

impl<'de, T: Word> Deserialize<'de> for Raw<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordVisitor(PhantomData)).map(Raw)
    }
}

struct WordVisitor<T>(PhantomData<T>);

impl<'de, T: Word> Visitor<'de> for WordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in quotes", T::WHAT)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        T::word(text).map_err(E::custom)
    }

    // A date may stand without quotes: TOML has a type for it.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let date = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))?;
        T::word(&date.to_string()).map_err(A::Error::custom)
    }
}

/// Reads one [`Word`] whose place in the file nobody asks for.
pub(super) fn word<'de, D: Deserializer<'de>, T: Word>(deserializer: D) -> Result<T, D::Error> {
    Raw::deserialize(deserializer).map(|raw| raw.0)
}

/// The same for a key that may be absent.
pub(super) fn optional<'de, D: Deserializer<'de>, T: Word>(deserializer: D) -> Result<Option<T>, D::Error> {
    word(deserializer).map(Some)
}

/// Reads a list of [`Word`]s whose places in the file nobody asks for.
pub(super) fn list<'de, D: Deserializer<'de>, T: Word>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Vec::<Raw<T>>::deserialize(deserializer)?.into_iter().map(|raw| raw.0).collect())
}

/// Finds `text` among `known` pairs of word and value; the failure lists the words and names the nearest.
pub(super) fn one_of<T: Clone>(what: &str, text: &str, known: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
        return Ok(value.clone());
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    Err(match nearest(text, &names) {
        Some(name) => format!("unknown {what} '{text}': write '{name}', or another of {}", names.join(", ")),
        None => format!("unknown {what} '{text}': write one of {}", names.join(", ")),
    })
}

/// The name that differs from `text` by the fewest single-character edits, when these are few enough to be a slip.
pub(super) fn nearest<'n>(text: &str, names: &[&'n str]) -> Option<&'n str> {
    let best = names.iter().map(|name| (edits(text, name), *name)).min()?;
    (best.0 <= (text.chars().count() / 3).max(1)).then_some(best.1)
}

/// Levenshtein distance, letter case ignored.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.to_lowercase().chars().enumerate() {
        let mut next = vec![i + 1];
        for ((to, above), diagonal) in b.iter().zip(row.iter().skip(1)).zip(&row) {
            let left = next.last().copied().unwrap_or(i);
            next.push((diagonal + usize::from(from != *to)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

impl Word for String {
    const WHAT: &'static str = "text";
    fn word(text: &str) -> Result<Self, String> {
        if text.trim() == text && !text.is_empty() {
            Ok(text.to_owned())
        } else {
            Err(format!("'{text}' is empty or has blanks around it: write it without"))
        }
    }
}

impl Word for IpAddr {
    const WHAT: &'static str = "an address";
    fn word(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("'{text}' is not an address: write one like \"198.51.100.4\" or \"2001:db8::4\", without a prefix length");
        text.parse::<IpAddr>().map(|ip| ip.to_canonical()).map_err(wrong)
    }
}

impl Word for IpNet {
    const WHAT: &'static str = "a prefix";
    fn word(text: &str) -> Result<Self, String> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self::from(ip));
        }
        let net: Self =
            text.parse().map_err(|_| format!("'{text}' is not a prefix: write one like \"10.0.0.0/8\" or \"2001:db8::/32\""))?;
        if net.trunc() == net { Ok(net) } else { Err(format!("'{text}' has bits set behind its length: write \"{}\"", net.trunc())) }
    }
}

/// An Ethernet address, first byte on the wire first.
pub type Mac = [u8; 6];

impl Word for Mac {
    const WHAT: &'static str = "a MAC address";
    fn word(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a MAC address: write one like \"00:00:5e:00:01:0a\"");
        let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
        if digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let bits = u64::from_str_radix(&digits, 16).map_err(|_| wrong())?;
        let [_, _, a, b, c, d, e, f] = bits.to_be_bytes();
        Ok([a, b, c, d, e, f])
    }
}

/// `00:00:5e:00:01:0a`
pub fn mac_text(mac: Mac) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

impl Word for glob::Pattern {
    const WHAT: &'static str = "a file name pattern";
    fn word(text: &str) -> Result<Self, String> {
        Self::new(text).map_err(|e| format!("'{text}' is not a file name pattern ({}): write one like \"er-tap*.pcapng\"", e.msg))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name_needs_few_edits() {
        assert_eq!(nearest("cidrr", &["cidr", "place"]), Some("cidr"));
        assert_eq!(nearest("Place", &["cidr", "place"]), Some("place"));
        assert_eq!(nearest("colour", &["cidr", "place"]), None);
        assert_eq!(nearest("", &[]), None);
    }

    #[test]
    fn mac_is_read_in_the_three_usual_spellings() {
        for text in ["00:00:5e:00:01:0a", "00-00-5E-00-01-0A", "0000.5e00.010a"] {
            assert_eq!(Mac::word(text), Ok([0, 0, 0x5e, 0, 1, 0x0a]), "{text}");
        }
        assert!(Mac::word("00:00:5e:00:01").is_err());
        assert!(Mac::word("äöüäöü").is_err());
        assert_eq!(mac_text([0, 0, 0x5e, 0, 1, 0x0a]), "00:00:5e:00:01:0a");
    }

    #[test]
    fn prefix_with_host_bits_is_refused_with_the_right_one() {
        assert_eq!(IpNet::word("10.1.2.3/8").unwrap_err(), "'10.1.2.3/8' has bits set behind its length: write \"10.0.0.0/8\"");
        assert_eq!(IpNet::word("10.1.2.3").unwrap().to_string(), "10.1.2.3/32");
        assert!(IpNet::word("10.0.0/8").unwrap_err().contains("is not a prefix"));
    }
}
