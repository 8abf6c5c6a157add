//! One of the 64 call shards: the legs of its share of the Call-IDs, and the counts of messages.

use super::leg::{Applied, Closing};
use super::{Invite, Leg, LegId, Reference};
use crate::engine::Budget;
use crate::flow::{Message, Noted};
use crate::ledger::Ledger;
use crate::proto::sip::Method;
use crate::record::Seq;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

/// Methods counted by name; a stranger may invent any number, and further ones share one count.
const MOST_METHODS: usize = 256;
/// What responses whose status is not three digits are counted as; no method has a space in its name.
const INVALID_STATUS: &str = "invalid status";

/// A leg announced that it receives media at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The leg.
    pub leg: LegId,
    /// The endpoint.
    pub endpoint: SocketAddr,
    /// It is to be SRTP.
    pub secured: bool,
}

/// What messages say to the stage that takes legs together.
#[derive(Debug, Default)]
pub struct Told {
    /// Endpoints announced.
    pub claims: Vec<Claim>,
    /// Legs that begin.
    pub invites: Vec<Invite>,
    /// REFERs in legs.
    pub references: Vec<Reference>,
}

/// A leg that may be closed now.
#[derive(Debug, Clone)]
pub struct Due {
    /// The leg.
    pub leg: LegId,
    /// Its key in the shard.
    key: Arc<[u8]>,
    /// Endpoints it announced.
    pub endpoints: SmallVec<[SocketAddr; 1]>,
    /// Seq of its last message: media that began later is not its.
    pub last: Seq,
    /// It ended; else it only fell silent, and stays open while its media flows.
    pub ended: bool,
}

/// Counts of messages seen, retransmissions and copies included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCounts {
    /// Requests by method, and responses whose status cannot be read under one name.
    pub methods: BTreeMap<String, u64>,
    /// Responses by status.
    pub statuses: BTreeMap<u16, u64>,
    /// How many were further sightings.
    pub copies: u64,
}

impl MessageCounts {
    /// Adds another shard's counts.
    pub fn add(&mut self, other: &Self) {
        for (method, n) in &other.methods {
            *self.methods.entry(method.clone()).or_default() += n;
        }
        for (status, n) in &other.statuses {
            *self.statuses.entry(*status).or_default() += n;
        }
        self.copies += other.copies;
    }
}

/// A call shard.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct CallShard {
    legs: HashMap<Arc<[u8]>, Box<Leg>, foldhash::fast::RandomState>,
    /// What it may hold.
    #[serde(skip)]
    pub budget: Budget,
    /// Messages seen.
    pub counts: MessageCounts,
    /// Duplicates and what was let go.
    pub ledger: Ledger,
}

/// What a message's leg is looked up by: its Call-ID, else its 5-tuple.
fn leg_key<'m>(message: &Message, noted: &'m Noted) -> Cow<'m, [u8]> {
    match noted.call_key.as_slice() {
        [] => Cow::Owned(format!("\0{:?}", message.course().connection.flow).into_bytes()),
        call_id => Cow::Borrowed(call_id),
    }
}

/// The shard that a message belongs to, of `n`, which are no more than 65 536.
pub fn shard_of(message: &Message, n: usize) -> usize {
    usize::from(message.call_bits) % n.max(1)
}

/// The method of a request. One that is known is not looked up in the text.
fn name_of<'m>(noted: &Noted, text: &'m [u8]) -> Cow<'m, str> {
    match noted.start.method {
        Method::Other => String::from_utf8_lossy(noted.method.of(text)),
        method => Cow::Borrowed(method.as_str()),
    }
}

impl CallShard {
    /// Applies a message; what it announces and begins goes to `told`.
    pub fn apply(&mut self, message: Message, told: &mut Told) {
        let noted = message.noted();
        self.count(&message, &noted);
        let key = leg_key(&message, &noted);
        let applied = match self.legs.get_mut(&*key) {
            Some(leg) => {
                let id = leg.id;
                told.references.extend(Reference::of(id, &message));
                leg.apply(message, &mut |endpoint, secured| told.claims.push(Claim { leg: id, endpoint, secured }))
            }
            None => {
                let (key, id) = (Arc::from(&*key), LegId(message.seq()));
                told.invites.extend(Invite::of(id, &message));
                let leg = Leg::open(message, &mut |endpoint, secured| told.claims.push(Claim { leg: id, endpoint, secured }));
                self.legs.insert(key, Box::new(leg));
                Applied::New
            }
        };
        match applied {
            Applied::New => {}
            Applied::Copied => self.counts.copies += 1,
            Applied::Duplicated => {
                self.counts.copies += 1;
                self.ledger.duplicates += 1;
            }
            Applied::LetGo => self.ledger.evicted += 1,
        }
    }

    /// Legs to close at `clock`, or all of them; in order of first message. Those unheard of for longest are closed as they are where the
    /// shard holds more than it may.
    pub fn due(&mut self, clock: Timestamp, all: bool) -> Vec<Due> {
        let over = if all { None } else { self.oldest_over_the_cap() };
        self.ledger.evicted +=
            over.map_or(0, |until| self.legs.values().filter(|leg| leg.last_seq <= until && leg.closing(clock).is_none()).count() as u64);
        let closing =
            |leg: &Leg| if all || over.is_some_and(|until| leg.last_seq <= until) { Some(Closing::Ended) } else { leg.closing(clock) };
        let mut due: Vec<Due> = self
            .legs
            .iter()
            .filter_map(|(key, leg)| {
                let ended = closing(leg)? == Closing::Ended;
                Some(Due { leg: leg.id, key: Arc::clone(key), endpoints: leg.endpoints.clone(), last: leg.last_seq, ended })
            })
            .collect();
        due.sort_unstable_by_key(|d| d.leg);
        due
    }

    /// It holds more legs, or more messages of legs, than it may.
    pub fn is_full(&self) -> bool {
        self.legs.len() > self.budget.legs || self.budget.messages < usize::MAX && self.held() > self.budget.messages
    }

    /// What its legs hold, in messages.
    fn held(&self) -> usize {
        self.legs.values().map(|leg| leg.weight()).sum()
    }

    /// Place of the last message of the youngest leg that has to go, those unheard of for longest first.
    fn oldest_over_the_cap(&self) -> Option<Seq> {
        if !self.is_full() {
            return None;
        }
        let mut last: Vec<(Seq, usize)> = self.legs.values().map(|leg| (leg.last_seq, leg.weight())).collect();
        last.sort_unstable();
        let (mut legs, mut held) = (last.len(), self.held());
        let goes = |(seq, weight): (Seq, usize)| {
            let goes = legs > self.budget.legs || held > self.budget.messages;
            (legs, held) = (legs - 1, held - weight);
            goes.then_some(seq)
        };
        last.into_iter().map_while(goes).last()
    }

    /// Takes a leg out.
    pub fn close(&mut self, due: &Due) -> Option<Box<Leg>> {
        self.legs.remove(&due.key)
    }

    fn count(&mut self, message: &Message, noted: &Noted) {
        let name = match (noted.start.status, noted.start.is_request) {
            (Some(status), _) => {
                *self.counts.statuses.entry(status).or_default() += 1;
                return;
            }
            (None, true) => name_of(noted, message.text.bytes()),
            (None, false) => INVALID_STATUS.into(),
        };
        let full = self.counts.methods.len() >= MOST_METHODS;
        match self.counts.methods.get_mut(name.as_ref()) {
            Some(n) => *n += 1,
            None if full => *self.counts.methods.entry("OTHER".to_owned()).or_default() += 1,
            None => {
                self.counts.methods.insert(name.into_owned(), 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::{A, B, message, shard};

    #[test]
    fn a_response_is_never_counted_as_a_request() {
        let counts = shard(vec![
            message(0, (A, B), "INVITE sip:b@x SIP/2.0", "INVITE", ""),
            message(9, (B, A), "SIP/2.0 40  Request Timeout", "INVITE", ""),
            message(19, (B, A), "SIP/2.0 200 OK", "INVITE", ""),
        ])
        .counts;
        assert_eq!(counts.methods, [("INVITE".to_owned(), 1), ("invalid status".to_owned(), 1)].into());
        assert_eq!(counts.statuses, [(200, 1)].into());
    }
}
