//! SRTP and SRTCP (RFC 3711) with keys that signalling carried in its text (SDES, RFC 4568).
//!
//! # Where it happens
//!
//! Keys are known where SIP is, packets where flows are, and the answer with the key may come after the first media. So a flow keeps the
//! octets of few packets as they came: of SRTCP the last ones of each direction, of SRTP the first and the last of those that are
//! sampled anyway. They go up with what else is told of the flow. When a call is made of a leg, all its offers and answers are there:
//! its keys are read from their text, and what was kept is opened or authenticated with them, call by call and in parallel. Nothing
//! depends on which came first.
//!
//! Here are the calculations, without state: names of suites, keys from text, session keys from master keys, and one packet at a time.
//! What is opened is SRTCP alone. Of SRTP only the tag is calculated: sound is never decrypted. Keys are wiped when they are let go, and
//! neither compare, print nor save.

mod derive;
mod gcm;
mod sdes;
mod session;
mod suite;

pub use sdes::{Master, keys};
pub use session::Session;
pub use suite::Suite;

/// Octets that are wiped when they are let go.
type Secret = zeroize::Zeroizing<Vec<u8>>;

/// Octets written in hex, blanks left out.
#[cfg(test)]
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}
