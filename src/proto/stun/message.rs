//! STUN messages: type, transaction and a tolerant walk over the attributes (RFC 8489 sections 5 and 14).

use super::attribute::{self, Attribute, Cipher};
use super::{HEADER_LEN, MAGIC_COOKIE, MICROSOFT};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Methods (RFC 8489 section 18.2, RFC 8656 section 17, [MS-TURN] section 2.2.1).
pub mod method {
    /// Asks for the address that one is seen with; with a user name it is a connectivity check (RFC 8445 section 7).
    pub const BINDING: u16 = 1;
    /// Asks a relay for an address.
    pub const ALLOCATE: u16 = 3;
    /// Keeps that address; [MS-TURN] sends data with this number.
    pub const REFRESH: u16 = 4;
    /// Data of [MS-TURN] from the relay.
    pub const MICROSOFT_DATA: u16 = 5;
    /// Data to the relay; [MS-TURN] says with this number where data go that come unwrapped.
    pub const SEND: u16 = 6;
    /// Data from the relay.
    pub const DATA: u16 = 7;
    /// Lets a peer send through the relay.
    pub const CREATE_PERMISSION: u16 = 8;
    /// Gives a peer a channel number.
    pub const CHANNEL_BIND: u16 = 9;
}

/// What a message is in its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class {
    /// A question.
    Request,
    /// Told without an answer.
    Indication,
    /// The answer to a request that was met.
    Success,
    /// The answer to a request that was not.
    Error,
}

/// A message. Accessors give an attribute that is there, whole and of the form that its type has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is in its transaction.
    pub class: Class,
    /// Its method, 12 bits; [`method`] names those of RFC 8489 and RFC 8656.
    pub method: u16,
    /// Magic cookie and transaction id, or the transaction id of RFC 3489.
    pub transaction: [u8; 16],
    /// It is of [MS-TURN].
    pub microsoft: bool,
    padded: bool,
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message that [`super::probe_cut`] has recognised. Attributes that snaplen took are missing.
    pub fn read(datagram: &'a [u8]) -> Option<Self> {
        let (header, rest) = datagram.split_first_chunk::<HEADER_LEN>()?;
        let &[t0, t1, l0, l1, ref transaction @ ..] = header;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        let body = rest.get(..len).unwrap_or(rest);
        let microsoft = body.starts_with(&MICROSOFT);
        let (class, method) = kind(u16::from_be_bytes([t0, t1]), microsoft);
        // Neither RFC 3489 nor [MS-TURN] fills values up, whose messages may also have a cookie.
        let padded = !microsoft && transaction.starts_with(&MAGIC_COOKIE);
        Some(Self { class, method, transaction: *transaction, microsoft, padded, body })
    }

    /// Its attributes as far as they are whole, in order.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> {
        let (mut rest, padded) = (self.body, self.padded);
        std::iter::from_fn(move || {
            let (attribute, next) = attribute::split(rest, padded)?;
            rest = next;
            Some(attribute)
        })
    }

    /// What is wrong with its attributes, in the words of the report; `None` where all are whole.
    pub fn fault(&self) -> Option<&'static str> {
        let mut rest = self.body;
        while let Some((_, next)) = attribute::split(rest, self.padded) {
            rest = next;
        }
        (!rest.is_empty()).then_some("an attribute goes on past the end")
    }

    fn value(&self, kinds: &[u16]) -> Option<&'a [u8]> {
        self.attributes().find(|attribute| kinds.contains(&attribute.kind)).map(|attribute| attribute.value)
    }

    fn address(&self, kinds: &[u16]) -> Option<SocketAddr> {
        attribute::address(self.value(kinds)?, Cipher::None)
    }

    fn xored(&self, kinds: &[u16]) -> Option<SocketAddr> {
        attribute::address(self.value(kinds)?, Cipher::Xor(&self.transaction))
    }

    fn text(&self, kind: u16) -> Option<String> {
        Some(String::from_utf8_lossy(self.value(&[kind])?).trim_end_matches(['\0', ' ']).to_owned())
    }

    fn word(&self, kind: u16) -> Option<u32> {
        self.value(&[kind])?.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// The address that the sender of the request was seen with. An [MS-TURN] server says it XORed only: its plain one is the relay's.
    pub fn mapped(&self) -> Option<SocketAddr> {
        let xored = self.xored(&[attribute::XOR_MAPPED_ADDRESS, attribute::OLD_XOR_MAPPED_ADDRESS]);
        xored.or_else(|| self.address(&[attribute::MAPPED_ADDRESS]).filter(|_| !self.microsoft))
    }

    /// The address on the relay.
    pub fn relayed(&self) -> Option<SocketAddr> {
        if self.microsoft {
            return self.address(&[attribute::MAPPED_ADDRESS]).filter(|_| self.method == method::ALLOCATE);
        }
        self.xored(&[attribute::XOR_RELAYED_ADDRESS])
    }

    /// The far side of the relay: where data go or come from.
    pub fn peer(&self) -> Option<SocketAddr> {
        if self.microsoft {
            return self.address(&[attribute::DESTINATION_ADDRESS, attribute::XOR_PEER_ADDRESS]);
        }
        self.xored(&[attribute::XOR_PEER_ADDRESS])
    }

    /// What a relay is to pass on, or has passed on.
    pub fn data(&self) -> Option<&'a [u8]> {
        self.value(&[attribute::DATA])
    }

    /// The channel that is bound.
    pub fn channel(&self) -> Option<u16> {
        self.value(&[attribute::CHANNEL_NUMBER])?.first_chunk::<2>().map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// How long an allocation stays, in s.
    pub fn lifetime(&self) -> Option<u32> {
        self.word(attribute::LIFETIME)
    }

    /// User name; of a connectivity check `<fragment of who is asked>:<fragment of who asks>` (RFC 8445 section 7.2.2).
    pub fn username(&self) -> Option<String> {
        self.text(attribute::USERNAME)
    }

    /// What sent it, in its own words.
    pub fn software(&self) -> Option<String> {
        self.text(attribute::SOFTWARE)
    }

    /// Code of an error, 300 to 699, and its phrase.
    pub fn error(&self) -> Option<(u16, String)> {
        let (&[_, _, class, number], phrase) = self.value(&[attribute::ERROR_CODE])?.split_first_chunk::<4>()?;
        Some((u16::from(class & 7) * 100 + u16::from(number), String::from_utf8_lossy(phrase).into_owned()))
    }

    /// Priority that a peer-reflexive candidate would have (RFC 8445 section 7.1.1).
    pub fn priority(&self) -> Option<u32> {
        self.word(attribute::PRIORITY)
    }

    /// The pair is nominated if this check is answered (RFC 8445 section 7.1.2).
    pub fn use_candidate(&self) -> bool {
        self.value(&[attribute::USE_CANDIDATE]).is_some()
    }

    /// Whether the sender controls which pair is used; `None` where it does not say.
    pub fn controlling(&self) -> Option<bool> {
        let role = self.attributes().find(|a| [attribute::ICE_CONTROLLED, attribute::ICE_CONTROLLING].contains(&a.kind))?;
        Some(role.kind == attribute::ICE_CONTROLLING)
    }

    /// A checksum follows the attributes; it is not verified.
    pub fn fingerprint(&self) -> bool {
        self.value(&[attribute::FINGERPRINT]).is_some()
    }
}

/// Class and method of a message type (RFC 8489 figure 3). [MS-TURN] numbers its data message as an error of another method.
fn kind(kind: u16, microsoft: bool) -> (Class, u16) {
    let method = (kind & 0x000f) | (kind & 0x00e0) >> 1 | (kind & 0x3e00) >> 2;
    let class = match (kind & 0x0110, microsoft && method == method::MICROSOFT_DATA) {
        (0x0010, _) | (_, true) => Class::Indication,
        (0x0100, _) => Class::Success,
        (0x0110, _) => Class::Error,
        _ => Class::Request,
    };
    (class, method)
}

#[cfg(test)]
mod tests;
