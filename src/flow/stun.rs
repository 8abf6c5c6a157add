//! STUN of one UDP flow: requests and what became of them, folded by who asked what, with the time an answer took.

use super::copies::COPY_WINDOW;
use super::{Figures, Relay, Seen};
use crate::decode::{Dir, FlowKey, Packet};
use crate::ledger::Ledger;
use crate::proto::stun::{Class, Message};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Kinds of exchanges told apart in one flow; further ones are let go.
const MOST_EXCHANGES: usize = 32;
/// Requests remembered, to find the one that an answer belongs to; the oldest goes first.
const MOST_ASKED: usize = 64;

/// Requests of one method that one end of a flow sent with one user name, and their answers, since they were told last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StunExchange {
    /// The flow.
    pub flow: FlowKey,
    /// Which way the requests went.
    pub dir: Dir,
    /// Their method.
    pub method: u16,
    /// Their user name: of a connectivity check `<fragment of who is asked>:<fragment of who asks>` (RFC 8445 section 7.2.2).
    pub username: Option<String>,
    /// The relay that they went through.
    pub relay: Option<Relay>,
    /// First message.
    pub first: Seen,
    /// Clock there.
    pub since: Timestamp,
    /// Clock at the last message.
    pub until: Timestamp,
    /// Transactions.
    pub requests: u64,
    /// Requests sent again.
    pub retransmissions: u64,
    /// Transactions answered with success.
    pub successes: u64,
    /// Transactions answered with an error.
    pub errors: u64,
    /// Code of the last error.
    pub error: Option<u16>,
    /// How many successes were of requests with USE-CANDIDATE.
    pub nominations: u64,
    /// The end that asks controls which pair is used, as it said last.
    pub controlling: Option<bool>,
    /// Priority, as said last.
    pub priority: Option<u32>,
    /// Times in ns from the tap to who answers and back; request and answer were seen at the same tap.
    pub rtt: Figures,
    /// Where who asks was seen, as answered last.
    pub mapped: Option<SocketAddr>,
    /// Its address on the relay, as answered last.
    pub relayed: Option<SocketAddr>,
    /// What asks, in its own words.
    pub software: Option<String>,
}

/// STUN of one flow.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StunFlow {
    exchanges: Vec<StunExchange>,
    asked: VecDeque<Asked>,
}

/// A request at one tap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    transaction: [u8; 16],
    dir: Dir,
    username: Option<String>,
    nominates: bool,
    answered: bool,
    seen: Seen,
}

impl StunFlow {
    /// Takes in a message; indications are no exchange. `relay`: what it came wrapped in.
    pub fn apply(&mut self, packet: &Packet<'_>, message: &Message<'_>, relay: Option<&Relay>, ledger: &mut Ledger) {
        match message.class {
            Class::Request => self.request(packet, message, relay, ledger),
            Class::Success | Class::Error => self.answer(packet, message, relay, ledger),
            Class::Indication => {}
        }
    }

    /// Takes out the exchanges that `ends` names.
    pub fn take(&mut self, ends: impl Fn(&StunExchange) -> bool, out: &mut Vec<StunExchange>) {
        out.extend(self.exchanges.extract_if(.., |exchange| ends(exchange)));
    }

    /// Nothing is left to tell.
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty()
    }

    fn request(&mut self, packet: &Packet<'_>, message: &Message<'_>, relay: Option<&Relay>, ledger: &mut Ledger) {
        let seen = Seen::of(packet);
        let before = self.asked.iter().rev().find(|asked| asked.transaction == message.transaction && asked.dir == packet.dir);
        let here = self.asked.iter().rev().find(|asked| asked.is(message, packet.dir) && asked.seen.tap == seen.tap);
        if here.is_some_and(|asked| asked.seen.ttl == seen.ttl && seen.at - asked.seen.at <= COPY_WINDOW) {
            ledger.duplicates += 1;
            return;
        }
        let (known, again) = (before.is_some(), here.is_some());
        let username = message.username();
        let exchange = self.exchange(packet, packet.dir, message.method, (username.as_ref(), relay), ledger);
        if let Some(exchange) = exchange {
            exchange.requests += u64::from(!known);
            exchange.retransmissions += u64::from(again);
            exchange.controlling = message.controlling().or(exchange.controlling);
            exchange.priority = message.priority().or(exchange.priority);
            exchange.software = message.software().or(exchange.software.take());
        }
        if again {
            return;
        }
        if self.asked.len() >= MOST_ASKED {
            self.asked.pop_front();
        }
        let (nominates, answered) = (message.use_candidate(), false);
        self.asked.push_back(Asked { transaction: message.transaction, dir: packet.dir, username, nominates, answered, seen });
    }

    fn answer(&mut self, packet: &Packet<'_>, message: &Message<'_>, relay: Option<&Relay>, ledger: &mut Ledger) {
        let dir = packet.dir.reverse();
        let of = |asked: &&Asked| asked.is(message, dir);
        let Some(asked) = self.asked.iter().rev().find(of) else {
            // Its request was not seen: it is an answer all the same.
            return self.count(packet, message, (None, relay), false, None, ledger);
        };
        if asked.answered {
            return;
        }
        let (username, nominates) = (asked.username.clone(), asked.nominates);
        let here = self.asked.iter().filter(of).find(|asked| asked.seen.tap == packet.tap);
        let rtt = here.map(|asked| packet.at - asked.seen.at).filter(|rtt| *rtt >= Span(0));
        self.asked.iter_mut().filter(|asked| asked.is(message, dir)).for_each(|asked| asked.answered = true);
        self.count(packet, message, (username.as_ref(), relay), nominates, rtt, ledger);
    }

    fn count(
        &mut self,
        packet: &Packet<'_>,
        message: &Message<'_>,
        who: (Option<&String>, Option<&Relay>),
        nominates: bool,
        rtt: Option<Span>,
        ledger: &mut Ledger,
    ) {
        let Some(exchange) = self.exchange(packet, packet.dir.reverse(), message.method, who, ledger) else { return };
        if message.class == Class::Error {
            exchange.errors += 1;
            exchange.error = message.error().map(|(code, _)| code).or(exchange.error);
        } else {
            exchange.successes += 1;
            exchange.nominations += u64::from(nominates);
            exchange.mapped = message.mapped().or(exchange.mapped);
            exchange.relayed = message.relayed().or(exchange.relayed);
        }
        rtt.into_iter().for_each(|rtt| exchange.rtt.add(rtt.0));
    }

    fn exchange(
        &mut self,
        packet: &Packet<'_>,
        dir: Dir,
        method: u16,
        (username, relay): (Option<&String>, Option<&Relay>),
        ledger: &mut Ledger,
    ) -> Option<&mut StunExchange> {
        let is = |exchange: &StunExchange| {
            (exchange.dir, exchange.method) == (dir, method) && exchange.username.as_ref() == username && exchange.relay.as_ref() == relay
        };
        if !self.exchanges.iter().any(is) {
            if self.exchanges.len() >= MOST_EXCHANGES {
                ledger.evicted += 1;
                return None;
            }
            self.exchanges.push(StunExchange::new(packet, dir, method, username.cloned(), relay.cloned()));
        }
        let exchange = self.exchanges.iter_mut().find(|exchange| is(exchange))?;
        exchange.until = packet.clock;
        Some(exchange)
    }
}

impl Asked {
    fn is(&self, message: &Message<'_>, dir: Dir) -> bool {
        self.dir == dir && self.transaction == message.transaction
    }
}

impl StunExchange {
    fn new(packet: &Packet<'_>, dir: Dir, method: u16, username: Option<String>, relay: Option<Relay>) -> Self {
        Self {
            flow: packet.flow,
            dir,
            method,
            username,
            relay,
            first: Seen::of(packet),
            since: packet.clock,
            until: packet.clock,
            requests: 0,
            retransmissions: 0,
            successes: 0,
            errors: 0,
            error: None,
            nominations: 0,
            controlling: None,
            priority: None,
            rtt: Figures::default(),
            mapped: None,
            relayed: None,
            software: None,
        }
    }

    /// Is about the same as `other`, at another time.
    pub fn is_same(&self, other: &StunExchange) -> bool {
        (self.flow, self.dir, self.method) == (other.flow, other.dir, other.method)
            && self.username == other.username
            && self.relay == other.relay
    }

    /// Takes in what was told of the same later.
    pub fn join(&mut self, later: &StunExchange) {
        self.until = later.until;
        self.requests += later.requests;
        self.retransmissions += later.retransmissions;
        self.successes += later.successes;
        self.errors += later.errors;
        self.nominations += later.nominations;
        self.error = later.error.or(self.error);
        self.controlling = later.controlling.or(self.controlling);
        self.priority = later.priority.or(self.priority);
        self.rtt.join(&later.rtt);
        self.mapped = later.mapped.or(self.mapped);
        self.relayed = later.relayed.or(self.relayed);
        if later.software.is_some() {
            self.software.clone_from(&later.software);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::packet;

    fn message(kind: u16, id: u8, attributes: &[u8]) -> Vec<u8> {
        let head = [&kind.to_be_bytes()[..], &(attributes.len() as u16).to_be_bytes(), &[0x21, 0x12, 0xa4, 0x42], &[id; 12]].concat();
        [&head[..], attributes].concat()
    }

    /// USERNAME `b:a`, USE-CANDIDATE, ICE-CONTROLLING.
    const CHECK: &[u8] = &[0, 6, 0, 3, b'b', b':', b'a', 0, 0, 0x25, 0, 0, 0x80, 0x2a, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];

    fn give(flow: &mut StunFlow, ledger: &mut Ledger, dir: Dir, (tap, ms): (u32, i64), bytes: &[u8]) {
        packet(0).seen(tap, 64, ms * 1_000).give(|packet, _| {
            let packet = Packet { dir, payload: bytes, ..*packet };
            flow.apply(&packet, &Message::read(bytes).unwrap(), None, ledger);
        });
    }

    fn taken(flow: &mut StunFlow) -> Vec<StunExchange> {
        let mut out = Vec::new();
        flow.take(|_| true, &mut out);
        out
    }

    #[test]
    fn an_answered_check_with_use_candidate_nominates_and_is_timed_at_one_tap() {
        let (mut flow, mut ledger) = (StunFlow::default(), Ledger::default());
        for (dir, tap, ms, kind, body) in [
            (Dir::Up, 0, 0, 1, CHECK),
            (Dir::Up, 0, 1, 1, CHECK),
            (Dir::Up, 1, 5, 1, CHECK),
            (Dir::Up, 0, 500, 1, CHECK),
            (Dir::Down, 1, 535, 0x0101, &[][..]),
            (Dir::Down, 0, 540, 0x0101, &[][..]),
        ] {
            give(&mut flow, &mut ledger, dir, (tap, ms), &message(kind, 1, body));
        }
        let exchanges = taken(&mut flow);
        let [check] = exchanges.as_slice() else { panic!("one exchange") };
        assert_eq!((check.requests, check.retransmissions, check.successes, check.nominations, ledger.duplicates), (1, 1, 1, 1, 1));
        assert_eq!((check.username.as_deref(), check.controlling, check.rtt.max()), (Some("b:a"), Some(true), Some(530_000_000)));
    }

    #[test]
    fn errors_keep_their_code_and_answers_without_a_request_count() {
        let (mut flow, mut ledger) = (StunFlow::default(), Ledger::default());
        give(&mut flow, &mut ledger, Dir::Up, (0, 0), &message(0x0003, 1, &[]));
        give(&mut flow, &mut ledger, Dir::Down, (0, 20), &message(0x0113, 1, &[0, 9, 0, 4, 0, 0, 4, 1]));
        give(&mut flow, &mut ledger, Dir::Down, (0, 30), &message(0x0103, 2, &[]));
        let exchanges = taken(&mut flow);
        assert_eq!(exchanges.len(), 1);
        assert_eq!((exchanges[0].dir, exchanges[0].errors, exchanges[0].error, exchanges[0].successes), (Dir::Up, 1, Some(401), 1));
        assert_eq!(exchanges[0].rtt.count(), 1);
    }

    #[test]
    fn strangers_fill_no_memory() {
        let (mut flow, mut ledger) = (StunFlow::default(), Ledger::default());
        for n in 0..=255u8 {
            give(&mut flow, &mut ledger, Dir::Up, (0, 0), &message(1, n, &[0, 6, 0, 1, n, 0, 0, 0]));
        }
        assert_eq!((flow.asked.len(), taken(&mut flow).len()), (MOST_ASKED, MOST_EXCHANGES));
        assert!(ledger.evicted > 0);
    }
}
