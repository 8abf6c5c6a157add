//! HEP version 3 over TCP, as agents send it that must not lose any, and over TLS within: messages one behind another, each as it would
//! come in a datagram. Read of a stream is what holds SIP.

use super::Seen;
use super::tcp::{self, Ordered};
use super::websocket::Held;
use crate::decode::{self, Agent, Decoded, Dir, FlowKey};
use crate::error::Undecoded;
use crate::proto::sip;
use crate::record::RecordId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a HEP message over TCP holds that is not read: reports of RTCP, logs.
const NO_SIP: Undecoded = Undecoded::new("hep", "no sip in a message over tcp");
const DEFLATED: Undecoded = Undecoded::new("hep", "compressed payload cannot be read");
const NOT_READ: Undecoded = Undecoded::new("hep", "message over tcp cannot be read");

/// A direction that carries HEP.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Assembly {
    /// Where messages begin is not known: a gap, or bytes that are none.
    astray: bool,
}

/// A SIP message that an agent sent on over a connection of its own.
#[derive(Debug, Clone)]
pub struct SentOn {
    /// The flow where the agent saw it.
    pub flow: FlowKey,
    /// Its way through that.
    pub dir: Dir,
    /// What the agent says of it.
    pub agent: Box<Agent>,
    /// Its text.
    pub text: Vec<u8>,
    /// How the record was seen that completed it.
    pub seen: Seen,
    /// All records that held a part of it, in order.
    pub records: Vec<RecordId>,
    /// Clock at the last of them.
    pub clock: Timestamp,
}

/// Whether a message begins `bytes`: its name, its length, and a first chunk of nobody's own, as all agents write it.
pub fn probe(bytes: &[u8]) -> bool {
    decode::hep_len(bytes).is_some() && bytes.get(6..8).is_none_or(|vendor| vendor == [0, 0])
}

impl Assembly {
    /// Bytes were lost: messages may begin anywhere.
    pub fn lose(&mut self) {
        self.astray = true;
    }

    /// The next whole message and the records that held it; `None` when more bytes must come. `closed`: none will.
    pub fn read(&mut self, ordered: &mut Ordered, closed: bool) -> Option<(Vec<u8>, Held)> {
        loop {
            if self.astray && !self.find(ordered) {
                return None;
            }
            let readable = ordered.readable();
            match decode::hep_len(readable) {
                Some(len) if len <= readable.len() => {
                    let bytes = readable.get(..len).unwrap_or_default().to_vec();
                    return Some((bytes, ordered.consume(len)));
                }
                None if readable.len() >= 6 => {
                    // The segment at hand begins with no message: go on with the next.
                    self.lose();
                    ordered.drop_front(1);
                }
                _ if closed => {
                    ordered.drop_readable();
                    return None;
                }
                _ => return None,
            }
        }
    }

    /// Goes to the next segment that begins with a message; what comes before it is dropped.
    fn find(&mut self, ordered: &mut Ordered) -> bool {
        let found = ordered.segments().find(|at| ordered.readable().get(*at..).is_some_and(probe));
        match found {
            Some(at) => ordered.drop_front(at),
            None => ordered.drop_readable(),
        };
        self.astray = found.is_none();
        found.is_some()
    }
}

/// What a HEP message holds, which these records held.
pub fn open(message: &[u8], held: &[(Seen, bool)], clock: Timestamp) -> Result<SentOn, Undecoded> {
    let (decoded, agent) = decode::open_hep(message);
    let (transport, text) = match decoded {
        Decoded::Transport(transport) => (transport, transport.payload.to_vec()),
        Decoded::Deflated(transport) => (transport, decode::inflate(transport.payload).ok_or(DEFLATED)?),
        Decoded::Undecoded(why) => return Err(why),
        _ => return Err(NOT_READ),
    };
    let (Some((seen, _)), Some(agent)) = (held.last(), agent) else { return Err(NOT_READ) };
    if !sip::probe(&text) {
        return Err(NO_SIP);
    }
    Ok(SentOn { flow: transport.flow, dir: transport.dir, agent, text, seen: *seen, records: tcp::ids(held).to_vec(), clock })
}
