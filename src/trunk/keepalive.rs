//! The keep-alive history of an SBC: OPTIONS that it sent to Microsoft and what came back, the names it used, and when its connections
//! were watched, so that a silence can be told from a gap of the capture.
//!
//! It is bounded: the first of everything is kept, and [`KeepAlive::lost_from`] says from when on something is missing. In which order its
//! parts come does not matter, as long as nothing is missing.

use super::Parties;
use super::allowing::Allowing;
use super::names::{Cited, Names};
use super::probes::{Probe, Probes, Refused, Target};
use super::stretches::{Mark, Stretch, Stretches};
use crate::call::recognise::SIGNALLING_PORT;
use crate::flow::{
    Connection, Content,
    tls::{Handshake, SILENCE},
};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Targets of OPTIONS that are remembered, the first in their order.
const MOST_TARGETS: usize = 128;
/// Statuses that refuse OPTIONS that are remembered, the lowest.
const MOST_STATUSES: usize = 32;

/// Addresses of the SBC, and names in Contact, that are remembered, the first in their order.
const MOST_OWN: usize = 64;

/// When something was watched: a minute without it is none, for keep-alives are a minute apart.
pub type Watched = Stretches<60, 256>;

/// The history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepAlive {
    /// OPTIONS that it sent.
    pub probes: BTreeMap<Target, Probes>,
    /// Final responses other than 2xx to them, by status.
    pub refused: BTreeMap<u16, Refused>,
    /// Calls that were answered.
    pub calls: Stretches<60, 256>,
    /// When what it sends on some connection was seen, from the first to the last packet, and no byte is missing.
    pub heard: Watched,
    /// When SIP was read on one of these.
    pub read: Watched,
    /// When TLS was seen on one of these that nobody could read.
    pub sealed: Watched,
    /// When it sent data within that.
    pub busy: Stretches<300, 256>,
    /// When connections were open of which bytes are missing.
    pub holed: Watched,
    /// On some connection only what Microsoft sends was seen.
    pub unheard: bool,
    /// It opened a connection that nobody could read, for a name that was not seen.
    pub unnamed: bool,
    /// Names of the service that it uses.
    pub names: Names,
    /// Its addresses towards Microsoft: those of its messages at every tap, which beyond a NAT are others.
    pub addresses: BTreeSet<IpAddr>,
    /// Names that it gave itself in Contact of OPTIONS and INVITE, and where first.
    pub contacts: BTreeMap<String, Cited>,
    /// Whether it says which methods it takes.
    pub allowing: Allowing,
    /// From here on there was no room for some OPTIONS, calls or data.
    pub lost_from: Option<Timestamp>,
}

impl KeepAlive {
    /// Takes in an OPTIONS.
    pub fn probe(&mut self, target: Target, probe: Probe) {
        let lost = self.probes.entry(target).or_default().add(probe);
        self.lose(lost);
        self.trim();
    }

    /// Takes in a refusal of one.
    pub fn refuse(&mut self, status: u16, refused: Refused) {
        match self.refused.get_mut(&status) {
            Some(known) => known.merge(refused),
            None => {
                self.refused.insert(status, refused);
            }
        }
        if self.refused.len() > MOST_STATUSES {
            self.refused.pop_last();
        }
    }

    /// Takes in a call that was answered.
    pub fn call(&mut self, answered: Mark) {
        let lost = self.calls.add(Stretch::of(answered));
        self.lose(lost);
    }

    /// Its messages come from these addresses.
    pub fn is_at(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        self.addresses.extend(addresses);
        while self.addresses.len() > MOST_OWN {
            self.addresses.pop_last();
        }
    }

    /// It calls itself by this name.
    pub fn is_called(&mut self, name: String, cited: Cited) {
        let mut known = self.contacts.remove(&name);
        Cited::add(&mut known, cited);
        self.contacts.extend(known.map(|cited| (name, cited)));
        if self.contacts.len() > MOST_OWN {
            self.contacts.pop_last();
        }
    }

    /// From one moment to another messages came that were not looked at.
    pub fn skipped(&mut self, from: Mark, until: Timestamp) {
        let lost = self.holed.add(Stretch::until(from, until));
        self.lose(lost);
    }

    /// Takes in a connection that is over, or as far as it came.
    pub fn connection(&mut self, parties: &Parties<'_>) {
        let connection = parties.connection;
        if !is_signalling(parties) {
            return;
        }
        self.name(parties);
        let half = connection.half(parties.from_sbc);
        let Some(first) = half.first.as_ref().map(Mark::from) else {
            self.unheard = true;
            return;
        };
        // What an agent handed on shows no TCP: nobody knows what it left out. SYNs without an answer make no connection.
        if !half.is_tcp() || (connection.opening.is_seen() && !connection.opening.goes_on) {
            return;
        }
        let last = half.sightings.0.iter().map(|run| run.last).max().unwrap_or(first.at);
        let whole = Stretch::until(first, last);
        let tls = connection.tls.as_deref();
        let unread = tls.is_some_and(|tls| tls.unopened > 0 || tls.lost > 0);
        if half.lost > 0 || (connection.content == Content::Sip && unread) {
            let lost = self.holed.add(whole);
            return self.lose(lost);
        }
        self.heard.add(whole);
        match (connection.content, tls) {
            (Content::Sip, _) => {
                self.read.add(whole);
            }
            (Content::Tls, Some(tls)) => {
                self.sealed.add(whole);
                let data = data_of(tls, parties);
                let lost = data.into_iter().filter_map(|stretch| self.busy.add(stretch)).min();
                self.lose(lost);
            }
            _ => {}
        }
    }

    /// Takes in what was gathered elsewhere.
    pub fn merge(&mut self, other: KeepAlive) {
        for (target, probes) in other.probes {
            let lost = self.probes.entry(target).or_default().merge(probes);
            self.lose(lost);
        }
        self.trim();
        other.refused.into_iter().for_each(|(status, refused)| self.refuse(status, refused));
        let lost = [self.calls.merge(other.calls), self.busy.merge(other.busy), self.holed.merge(other.holed), other.lost_from];
        lost.into_iter().for_each(|lost| self.lose(lost));
        self.heard.merge(other.heard);
        self.read.merge(other.read);
        self.sealed.merge(other.sealed);
        self.unheard |= other.unheard;
        self.unnamed |= other.unnamed;
        self.names.merge(other.names);
        self.is_at(other.addresses);
        other.contacts.into_iter().for_each(|(name, cited)| self.is_called(name, cited));
        self.allowing.merge(other.allowing);
    }

    /// The name that TLS was opened for, where the SBC opened it.
    fn name(&mut self, parties: &Parties<'_>) {
        let connection = parties.connection;
        let tls = connection.tls.as_deref();
        let Some(name) = server_name(connection).filter(|_| is_opened_by_sbc(parties)) else {
            let opened = is_opened_by_sbc(parties) || (tls.is_none_or(|tls| tls.client.is_none()) && is_5061(parties));
            self.unnamed |= opened && connection.content == Content::Tls;
            return;
        };
        let Some((offered, known)) = tls.and_then(|tls| tls.offered.as_ref()).zip(self.names.of(name)) else { return };
        let accepted = u64::from(tls.is_some_and(Handshake::is_complete));
        let line = format!("ClientHello for {name}");
        Cited::add(&mut known.asked, Cited { first: Mark::from(&offered.seen), line, answer: None, n: 1, accepted });
        known.at(parties.microsoft.ip());
        if let Some(tls) = tls.filter(|_| connection.content == Content::Tls) {
            data_of(tls, parties).into_iter().for_each(|stretch| {
                known.steady.add(stretch);
            });
        }
    }

    fn trim(&mut self) {
        while self.probes.len() > MOST_TARGETS {
            let gone = self.probes.pop_last().and_then(|(_, probes)| probes.first.first().map(|probe| probe.sent.at));
            self.lose(gone);
        }
    }

    fn lose(&mut self, from: Option<Timestamp>) {
        self.lost_from = self.lost_from.into_iter().chain(from).min();
    }
}

/// It carries SIP, or TLS at the port of SIP or with the service; or nothing at that port.
fn is_signalling(parties: &Parties<'_>) -> bool {
    let connection = parties.connection;
    let by_name = || connection.tls.as_ref().is_some_and(|tls| tls.from_service().is_some());
    connection.content == Content::Sip || is_5061(parties) || parties.sbc.port() == SIGNALLING_PORT || by_name()
}

fn is_5061(parties: &Parties<'_>) -> bool {
    parties.microsoft.port() == SIGNALLING_PORT
}

fn is_opened_by_sbc(parties: &Parties<'_>) -> bool {
    parties.connection.tls.as_ref().is_some_and(|tls| tls.client == Some(parties.from_sbc))
}

/// The name that a connection's client asks for.
pub fn server_name(connection: &Connection) -> Option<&str> {
    connection.tls.as_ref()?.offered.as_ref()?.what.server_name.as_deref()
}

/// When the SBC sent data, parted where it was silent for long.
fn data_of(tls: &Handshake, parties: &Parties<'_>) -> Vec<Stretch> {
    let n = parties.from_sbc.index();
    let end = |ends: &[Option<_>; 2]| ends.get(n).and_then(Option::as_ref).map(Mark::from);
    let (Some(first), Some(last)) = (end(&tls.first_data), end(&tls.last_data)) else { return Vec::new() };
    let mut from = first;
    let mut parts = Vec::new();
    for (begin, end) in tls.silences.get(n).into_iter().flatten() {
        parts.push(Stretch::until(from, *begin));
        from = Mark { at: *end, ..first };
    }
    parts.push(Stretch { first: from, last: last.max(from) });
    parts
}

/// A silence that is told (see [`Handshake::silences`]) is one that demotes a trunk.
const _: () = assert!(SILENCE.0 == Span::secs(300).0);
