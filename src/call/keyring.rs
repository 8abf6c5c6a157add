//! The SRTP keys of a leg: read from the text of its offers and answers when its call is made, gone with it.

use super::{Leg, media};
use crate::proto::srtp::{Master, Session};
use smallvec::SmallVec;
use std::net::SocketAddr;

/// Keys tried of one leg; further ones are let go. Retransmissions and answers that repeat a key do not count.
const MOST_KEYS: usize = 32;
/// Endpoints remembered of one key.
const MOST_ENDS: usize = 64;

/// The keys of a leg, in the order they were announced; empty where it announced none.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    master: Master,
    session: Session,
    /// What the lines announce that it stands on: there its owner receives.
    ends: Vec<SocketAddr>,
}

/// What seals the packets that one end sends: a list of keys to try.
pub type Tried<'k> = SmallVec<[&'k Session; 4]>;

impl Keyring {
    /// The keys that the descriptions of a leg announce.
    pub fn of(leg: &Leg) -> Self {
        let mut ring = Keyring::default();
        for described in leg.described.iter().filter(|_| leg.secured) {
            for (line, master) in described.keys(leg) {
                let ends = described.lines(leg).get(line).into_iter().flat_map(media::endpoints);
                ring.add(master, ends);
            }
        }
        ring
    }

    fn add(&mut self, master: Master, ends: impl Iterator<Item = SocketAddr>) {
        let known = self.keys.iter().position(|key| key.master.is(&master));
        let at = known.unwrap_or(self.keys.len());
        if known.is_none() && at < MOST_KEYS {
            self.keys.extend(Session::new(&master).map(|session| Key { master, session, ends: Vec::new() }));
        }
        let Some(key) = self.keys.get_mut(at) else { return };
        for end in ends {
            if key.ends.len() < MOST_ENDS && !key.ends.contains(&end) {
                key.ends.push(end);
            }
        }
    }

    /// Keys of who sends from one end to another, each known by any of its addresses: all but those that only the receiver announced
    /// (RFC 4568 section 5.1.1: a key is for what its owner sends).
    pub fn sending(&self, from: &[SocketAddr], to: &[SocketAddr]) -> Tried<'_> {
        let announced = |key: &Key, by: &[SocketAddr]| by.iter().any(|end| key.ends.contains(end));
        self.keys.iter().filter(|key| !announced(key, to) || announced(key, from)).map(|key| &key.session).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::{A, B, leg, message};
    use super::*;
    use crate::flow::Message;

    fn describes(ms: i64, offer: bool, port: u16, crypto: &str) -> Message {
        let (ends, start) = if offer { ((A, B), "INVITE sip:b@x SIP/2.0") } else { ((B, A), "SIP/2.0 200 OK") };
        let host = ends.0.split(':').next().unwrap();
        let body = format!("v=0\r\nc=IN IP4 {host}\r\nm=audio {port} RTP/SAVP 0\r\n{crypto}");
        message(ms, ends, start, "INVITE", &format!("c: application/sdp\r\nl: {}\r\n\r\n{body}", body.len()))
    }

    fn crypto(tag: u8, suite: &str, letter: char) -> String {
        format!("a=crypto:{tag} AES_CM_128_HMAC_SHA1_{suite} inline:{}\r\n", letter.to_string() + &"x".repeat(39))
    }

    #[test]
    fn who_sends_has_the_keys_that_the_receiver_did_not_announce() {
        let offered = crypto(1, "80", 'A') + &crypto(2, "32", 'B');
        let leg = leg(vec![describes(0, true, 4_000, &offered), describes(9, false, 6_000, &crypto(2, "32", 'C'))]);
        let ring = Keyring::of(&leg);
        let end = |text: &str| [text.parse::<SocketAddr>().unwrap()];
        let (a, b, nat) = (end("192.0.2.1:4000"), end("192.0.2.2:6000"), end("203.0.113.1:9"));
        assert_eq!([ring.sending(&a, &b), ring.sending(&b, &a), ring.sending(&nat, &b)].map(|keys| keys.len()), [2, 1, 2]);
        assert_eq!(ring.sending(&nat, &nat).len(), 3, "nobody is known");
        assert_eq!(Keyring::default().sending(&a, &b).len(), 0);
    }

    #[test]
    fn no_more_keys_are_tried_than_the_cap() {
        let letters = ('A'..='Z').chain('a'..='w');
        let many: String = letters.map(|letter| crypto(1, "80", letter)).collect();
        assert_eq!(Keyring::of(&leg(vec![describes(0, true, 4_000, &many)])).keys.len(), MOST_KEYS);
    }
}
